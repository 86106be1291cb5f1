"""Singular directions of what is written: A = Σ_k σ_k u_k v_kᵀ, its σ_k and v_k alone, and which of them are one.

Equal singular values have no directions of their own: any rotation inside their span serves as well. Directions
whose strengths lie within a tolerance are therefore kept together, as one subspace. Derivation: docs/channels.md.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from loadstore.errors import Undefined
from loadstore.linear.decompositions import eigh, qr, svd
from loadstore.linear.factored import Factored

ABSENT = 1e-7  # of the strongest: a Gram matrix does not separate a weaker direction from none
TOLERANCE = 1e-3  # strengths this close, relatively, are one subspace unless asked otherwise
EQUAL = 1e-6  # neighbours this close are equal up to rounding and never divided
ROWS = 4096  # of a tall matrix, widened together


@dataclass(frozen=True)
class Singular:
    """Strengths σ_k, strongest first, and unit directions v_k, in double precision."""

    strengths: Float[Tensor, " rank"]
    directions: Float[Tensor, "rank d_model"]


def right_singular(matrix: Factored | Float[Tensor, "source d_model"], *, centred: bool = False) -> Singular:
    """σ_k and v_k of A, or of A (I − 11ᵀ/d) if ``centred``; directions below ABSENT · σ_1 are left out.

    Of a factored map through its core: left = Q₁R₁, rightᵀ = Q₂R₂, R₁R₂ᵀ = U Σ Vᵀ, v = V Q₂ᵀ. Of a matrix with more
    rows than columns from its Gram matrix, a few rows at a time. Raises Undefined for a zero map.
    """
    if isinstance(matrix, Factored):
        inner = qr(matrix.left.double())[1]
        basis, outer = qr(_double(matrix.right, centred=centred).mT)
        _, strengths, inside = svd(inner @ outer.mT)
        directions = inside @ basis.mT
    elif matrix.shape[0] <= matrix.shape[1]:
        _, strengths, directions = svd(_double(matrix, centred=centred))
    else:
        gram = torch.zeros(matrix.shape[1], matrix.shape[1], dtype=torch.float64, device=matrix.device)
        for tile in matrix.split(ROWS):
            rows = _double(tile, centred=centred)
            gram += rows.mT @ rows
        values, vectors = eigh(gram)
        strengths, directions = values.flip(0).clamp(min=0).sqrt(), vectors.mT.flip(0)
    if not float(strengths[0]) > 0:
        raise Undefined("it is zero, so it has no singular directions")
    kept = strengths > ABSENT * strengths[0]
    return Singular(strengths[kept], directions[kept])


def as_one(strengths: Float[Tensor, " rank"], tolerance: float) -> Int[Tensor, " rank"]:
    """Number, from 0, the block that each direction belongs to.

    A block takes strengths down to (1 − tolerance) of its strongest, so that a dense spectrum does not run together,
    and is never ended between neighbours that are EQUAL.
    """
    numbers: list[int] = []
    first = last = float("inf")
    for strength in strengths.tolist():
        starts = not numbers or (strength < (1 - tolerance) * first and strength < (1 - EQUAL) * last)
        numbers.append(0 if not numbers else numbers[-1] + starts)
        first, last = (strength if starts else first), strength
    return torch.tensor(numbers)


def _double(rows: Float[Tensor, "row d_model"], *, centred: bool) -> Float[Tensor, "row d_model"]:
    wide = rows.double()
    return wide - wide.mean(-1, keepdim=True) if centred else wide
