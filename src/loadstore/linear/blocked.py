"""Orthonormal rows of what some rows span, and the projection that takes their span out of a scaled matrix.

With Q orthonormal rows and Γ a gain, a matrix that is read loses Γ⁻¹QᵀQΓ W, and rows that are written lose
s ΓQᵀQ Γ⁻¹. Both maps are projections. Derivation: docs/permissions.md.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from loadstore.linear.decompositions import svd

INDEPENDENT = 1e-9  # of the largest singular value: a weaker direction is rounding


def orthonormal(rows: Float[Tensor, "row d_model"]) -> Float[Tensor, "rank d_model"]:
    """Return orthonormal rows that span what ``rows`` span, in double precision; none where all rows are zero."""
    if not rows.numel():
        return rows.double()
    _, strengths, directions = svd(rows.double())
    return directions[strengths > max(1e-300, INDEPENDENT * float(strengths[0]))]


@dataclass(frozen=True, eq=False)
class Blocked:
    """Directions that a reader does not load, or a writer does not store: ``basis`` Q, behind the gain Γ."""

    basis: Float[Tensor, "rank d_model"]
    gain: Float[Tensor, " d_model"]

    def of_matrix(self, matrix: Float[Tensor, "d_model inside"]) -> Float[Tensor, "d_model inside"]:
        """The part Γ⁻¹QᵀQΓ W of a matrix that reads."""
        return (self.basis.mT @ (self.basis @ (self.gain[:, None] * matrix.double()))) / self.gain[:, None]

    def of_read(self, rows: Float[Tensor, "*any d_model"]) -> Float[Tensor, "*any d_model"]:
        """The part x Γ⁻¹QᵀQΓ of rows that are read, which makes x W′ = (x − part) W."""
        basis, gain = self.basis.to(rows), self.gain.to(rows)
        return ((rows / gain) @ basis.mT) @ basis * gain

    def of_stored(self, rows: Float[Tensor, "*any d_model"]) -> Float[Tensor, "*any d_model"]:
        """The part s ΓQᵀQΓ⁻¹ of rows that are written before a norm with gain Γ."""
        wide = rows.double() * self.gain
        return (wide @ self.basis.mT) @ self.basis / self.gain


def blocked(rows: Float[Tensor, "row d_model"], gain: Tensor | None, behind: Tensor | None = None) -> Blocked:
    """Return what takes ``rows`` of the stream out, behind a gain, and ``behind``, rows that are added after it.

    A coordinate whose gain is 0 is not read, or not written, at all: it is left as it is.
    """
    wide = rows.double()
    scale = torch.ones_like(wide[0]) if gain is None else gain.double()
    kept = scale != 0
    safe = torch.where(kept, scale, 1.0)
    spans = wide * kept
    return Blocked(orthonormal(spans if behind is None else torch.cat([spans, behind.double() / safe])), safe)
