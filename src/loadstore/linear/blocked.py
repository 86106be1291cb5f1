"""Orthonormal bases of row spans, and the projection that removes such a span from a scaled matrix.

With orthonormal rows Q and a gain Γ, a reading matrix loses Γ⁻¹QᵀQΓ W, and written rows lose s ΓQᵀQ Γ⁻¹. Both maps are
projections. Derivation: docs/permissions.md.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from loadstore.linear.decompositions import svd

INDEPENDENT = 1e-9  # relative to the largest singular value; weaker directions are rounding errors


def orthonormal(rows: Float[Tensor, "row d_model"]) -> Float[Tensor, "rank d_model"]:
    """Return orthonormal rows with the span of ``rows``, in double precision; none if all rows are zero."""
    if not rows.numel():
        return rows.double()
    _, strengths, directions = svd(rows.double())
    return directions[strengths > max(1e-300, INDEPENDENT * float(strengths[0]))]


@dataclass(frozen=True, eq=False)
class Blocked:
    """Directions that a reader does not load, or a writer does not store: the basis Q, in coordinates scaled by Γ."""

    basis: Float[Tensor, "rank d_model"]
    gain: Float[Tensor, " d_model"]

    def of_matrix(self, matrix: Float[Tensor, "d_model inside"]) -> Float[Tensor, "d_model inside"]:
        """The part Γ⁻¹QᵀQΓ W of a reading matrix."""
        return (self.basis.mT @ (self.basis @ (self.gain[:, None] * matrix.double()))) / self.gain[:, None]

    def of_read(self, rows: Float[Tensor, "*any d_model"]) -> Float[Tensor, "*any d_model"]:
        """The part x Γ⁻¹QᵀQΓ of a reader's input rows, so that x W′ = (x − part) W."""
        basis, gain = self.basis.to(rows), self.gain.to(rows)
        return ((rows / gain) @ basis.mT) @ basis * gain

    def of_stored(self, rows: Float[Tensor, "*any d_model"]) -> Float[Tensor, "*any d_model"]:
        """The part s ΓQᵀQΓ⁻¹ of rows written before a norm with gain Γ."""
        wide = rows.double() * self.gain
        return (wide @ self.basis.mT) @ self.basis / self.gain


def blocked(rows: Float[Tensor, "row d_model"], gain: Tensor | None, behind: Tensor | None = None) -> Blocked:
    """Return the projection that removes ``rows`` of the stream before a gain, and ``behind``, rows added after it.

    Coordinates with gain 0 are neither read nor written, so they are left unchanged.
    """
    wide = rows.double()
    scale = torch.ones_like(wide[0]) if gain is None else gain.double()
    kept = scale != 0
    safe = torch.where(kept, scale, 1.0)
    spans = wide * kept
    return Blocked(orthonormal(spans if behind is None else torch.cat([spans, behind.double() / safe])), safe)
