"""Low-rank maps ``left @ right`` that compose and are materialised only on request."""

from dataclasses import dataclass

import torch
from jaxtyping import Complex, Float
from torch import Tensor

from loadstore.errors import Undefined
from loadstore.linear.decompositions import eigvals, qr, svdvals


@dataclass(frozen=True)
class Factored:
    """The map x ↦ x · left · right on row vectors; ``rank`` is the inner width."""

    left: Float[Tensor, "source rank"]
    right: Float[Tensor, "rank target"]

    @property
    def shape(self) -> tuple[int, int]:
        """Source and target width."""
        return self.left.shape[0], self.right.shape[1]

    @property
    def rank(self) -> int:
        """Width of the inner dimension: an upper bound on the true rank."""
        return self.left.shape[1]

    @property
    def T(self) -> "Factored":
        """The transposed map."""
        return Factored(self.right.mT, self.left.mT)

    def __matmul__(self, other: "Factored") -> "Factored":
        """First this map, then the other; the smaller inner width is kept."""
        middle = self.right @ other.left
        if self.rank <= other.rank:
            return Factored(self.left, middle @ other.right)
        return Factored(self.left @ middle, other.right)

    def dense(self) -> Float[Tensor, "source target"]:
        """The full matrix."""
        return self.left @ self.right

    def core(self) -> Float[Tensor, "left_rank right_rank"]:
        """R_left R_rightᵀ from the two QR factorisations: same singular values, at most rank × rank."""
        return qr(self.left)[1] @ qr(self.right.mT)[1].mT

    def norm(self) -> Float[Tensor, ""]:
        """Frobenius norm, ‖left·right‖_F = √tr(leftᵀleft · right·rightᵀ)."""
        return torch.linalg.matrix_norm(self.core())

    def singular_values(self) -> Float[Tensor, " rank"]:
        """Singular values, largest first."""
        return svdvals(self.core())

    def eigenvalues(self) -> Complex[Tensor, " rank"]:
        """Nonzero eigenvalues of a square map: eig(left·right) = eig(right·left) apart from zeros."""
        self._square("eigenvalues")
        return eigvals(self.right @ self.left)

    def trace(self) -> Float[Tensor, ""]:
        """Return tr(left·right) = tr(right·left)."""
        self._square("a trace")
        return (self.left * self.right.mT).sum()

    def _square(self, what: str) -> None:
        if self.shape[0] != self.shape[1]:
            raise Undefined(f"{what} needs a square map; this one is {self.shape[0]} × {self.shape[1]}")
