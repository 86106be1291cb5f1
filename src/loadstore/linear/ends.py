"""The ends of wires, reduced to what a score needs: of a writer AᵀA, of a reader B Bᵀ.

An end of rank below d is its core C [rank, d], CᵀC the matrix; one of full rank is the matrix itself.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from loadstore.linear.bands import add_gram, mirror
from loadstore.linear.decompositions import eigvalsh
from loadstore.linear.factored import Factored
from loadstore.linear.subspace import gram_eigenvalues, writer_cores
from loadstore.threads import threads_for

ROWS = 8192  # of a tall matrix at a time: float32 products of so many are added up in double precision


@dataclass(frozen=True, eq=False)
class End:
    """A core [rank, d], or a Gram [d, d] where ``full``; double precision, however exactly a Gram was summed."""

    matrix: Float[Tensor, "_ d"]
    full: bool

    @property
    def rank(self) -> int:
        """An upper bound of the rank."""
        return self.matrix.shape[0]

    def trace(self) -> Float[Tensor, ""]:
        """‖A‖², in double precision."""
        return self.matrix.diagonal().sum() if self.full else self.matrix.square().sum()

    def product(self, other: "End") -> float:
        """Return tr(a b) = ‖C Dᵀ‖², between two cores a sum without cancellation."""
        if self.full and other.full:
            return float((self.matrix * other.matrix).sum())
        if self.full or other.full:
            core, gram = (other.matrix, self.matrix) if self.full else (self.matrix, other.matrix)
            return float((core @ gram * core).sum())
        return float((self.matrix @ other.matrix.mT).square().sum())

    def gram(self, dtype: torch.dtype) -> Float[Tensor, "d d"]:
        """CᵀC, multiplied in ``dtype``."""
        wide = self.matrix.to(dtype)
        return wide if self.full else wide.mT @ wide

    def spectrum(self, dtype: torch.dtype) -> Float[Tensor, " _"]:
        """Eigenvalues that can differ from zero, largest first, double precision; of a full Gram found in ``dtype``."""
        if not self.full:
            return gram_eigenvalues([self.matrix])[0]
        return eigvalsh(self.matrix.to(dtype)).double().flip(-1).clamp(min=0)

    def turned(self, turn: Callable[[Tensor], Tensor]) -> "End":
        """The end of A T, for a linear map T that ``turn`` applies to rows."""
        with threads_for(self.matrix.numel() * self.matrix.shape[1]):
            return End(turn(turn(self.matrix).mT) if self.full else turn(self.matrix), self.full)


def low_rank(matrix: Factored) -> End:
    """The end of what a factored map writes: C = (leftᵀ left)^½ right."""
    (core,) = writer_cores([Factored(matrix.left.double(), matrix.right.double())])
    return End(core, full=False) if core.shape[0] < core.shape[1] else End(core.mT @ core, full=True)


def of_rows(rows: Float[Tensor, "row d"], dtype: torch.dtype, scales: Float[Tensor, " row"] | None = None) -> End:
    """The end of what a dense matrix writes, its rows scaled if asked; see ``gram_of_rows``."""
    if rows.shape[0] >= rows.shape[1]:
        return End(gram_of_rows([rows], dtype, scales), full=True)
    wide = rows.double()
    return End(wide if scales is None else wide * scales[:, None], full=False)


def gram_of_rows(
    matrices: Iterable[Float[Tensor, "_ d"]], dtype: torch.dtype, scales: Float[Tensor, " _"] | None = None
) -> Float[Tensor, "d d"]:
    """Σ of AᵀA over matrices of several heights, a few thousand rows at a time multiplied in ``dtype``."""
    total: Tensor | None = None
    for rows in matrices:
        total = (
            torch.zeros(rows.shape[1], rows.shape[1], dtype=torch.float64, device=rows.device)
            if total is None
            else total
        )
        for start in range(0, rows.shape[0], ROWS):
            block = rows[start : start + ROWS].to(dtype)
            add_gram(total, block if scales is None else block * scales[start : start + ROWS, None].to(block))
    assert total is not None
    return mirror(total)
