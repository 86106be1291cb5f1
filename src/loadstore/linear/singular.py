"""Singular directions of a writer's map: σ_k and v_k of A = Σ_k σ_k u_k v_kᵀ, grouped by equal strength.

Equal singular values do not determine directions: any rotation within their span is equally valid. Directions whose
strengths agree within a tolerance are therefore kept together, as one subspace. Derivation: docs/channels.md.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from loadstore.errors import Undefined
from loadstore.linear.decompositions import eigh, qr, svd
from loadstore.linear.factored import Factored

ABSENT = 1e-7  # relative to the strongest; a Gram matrix cannot distinguish a weaker direction from rounding
TOLERANCE = 1e-3  # default relative difference of strengths that form one subspace
EQUAL = 1e-6  # strengths this close are equal up to rounding and never separated
ROWS = 4096  # rows of a tall matrix that are widened together


@dataclass(frozen=True)
class Singular:
    """Strengths σ_k, strongest first, and unit directions v_k, in double precision."""

    strengths: Float[Tensor, " rank"]
    directions: Float[Tensor, "rank d_model"]


def right_singular(matrix: Factored | Float[Tensor, "source d_model"], *, centred: bool = False) -> Singular:
    """σ_k and v_k of A, or of A (I − 11ᵀ/d) if ``centred``; directions below ABSENT · σ_1 are omitted.

    A factored map is decomposed through its core: left = Q₁R₁, rightᵀ = Q₂R₂, R₁R₂ᵀ = U Σ Vᵀ, v = V Q₂ᵀ. A matrix with
    more rows than columns is decomposed through its Gram matrix, computed in tiles. Raises Undefined for a zero map.
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
    """The index, from 0, of each direction's block.

    A block extends down to (1 − tolerance) of its strongest strength, so a dense spectrum is split. A block never ends
    between neighbours that are EQUAL.
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
