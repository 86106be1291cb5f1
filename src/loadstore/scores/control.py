"""Controls of a score: the writers' rows in other coordinates."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from loadstore.scores.options import Control


def turning(control: Control, seed: int, d: int, *, centred: bool) -> Callable[[Tensor], Tensor] | None:
    """The control's map of rows of width d: a reversal, or a rotation, within the centred subspace if ``centred``."""
    if control == "none":
        return None
    if control == "reversed":
        return lambda rows: rows.flip(-1)
    generator = torch.Generator().manual_seed(seed)
    if not centred:
        turn = haar(d, generator)
    else:
        basis = torch.linalg.svd(torch.ones(1, d, dtype=torch.float64))[2][1:]
        turn = basis.mT @ haar(d - 1, generator) @ basis
    return lambda rows: rows @ turn.to(rows.device)


def haar(d: int, generator: torch.Generator) -> Float[Tensor, "d d"]:
    """Draw from the uniform distribution on O(d): QR of a Gaussian, signs of R made positive (Mezzadri 2007)."""
    q, r = torch.linalg.qr(torch.randn(d, d, generator=generator, dtype=torch.float64))
    return q * r.diagonal().sign()
