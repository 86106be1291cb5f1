"""Coordinates in which the stream has equal variance in all directions: A S^-½ and S^½ B, with the product A B.

A rotation of these coordinates acts on the stream as x ↦ x S^-½ R S^½. These are all the linear maps that keep its
second moment S. Derivation: docs/which-null.md, checked by tests/theorems/test_whitening.py.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from loadstore.errors import Undefined
from loadstore.linear.decompositions import eigh

RIDGE = 1e-3  # relative to the mean variance, added to every direction: S of a short corpus is singular


def whitening(
    second: Float[Tensor, "d_model d_model"], ridge: float = RIDGE
) -> tuple[Float[Tensor, "d_model d_model"], Float[Tensor, "d_model d_model"]]:
    """Return S^-½ and S^½ of S + ridge · tr S/d · I, symmetric, in double precision.

    Raises Undefined if S is not a second moment, or is singular and there is no ridge.
    """
    wide = second.double()
    largest = float(wide.abs().max())
    if not (torch.isfinite(wide).all() and largest > 0 and float((wide - wide.mT).abs().max()) < 1e-4 * largest):
        raise Undefined("a second moment of the stream is a symmetric matrix of finite numbers, and not zero")
    values, vectors = eigh((wide + wide.mT) / 2)
    if float(values[0]) < -1e-4 * float(values[-1]):
        raise Undefined(f"a second moment of the stream has no negative variance; this has {float(values[0]):.2g}")
    values = values.clamp(min=0)
    values = values + ridge * values.mean()
    if float(values[0]) <= 1e-14 * float(values[-1]):
        raise Undefined("this second moment of the stream is singular: it has a direction without variance")
    return (vectors * values.rsqrt()) @ vectors.mT, (vectors * values.sqrt()) @ vectors.mT
