"""The ends of wires, reduced to the matrices that a score needs: AᵀA for a writer, B Bᵀ for a reader.

An end of rank below d is its core C [rank, d], CᵀC the matrix; one of full rank is the matrix itself. Factors are
divided by powers of two first, so that no square of an extreme weight leaves the range of double precision.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from loadstore.errors import Undefined
from loadstore.linear.bands import add_gram, mirror
from loadstore.linear.factored import Factored
from loadstore.linear.subspace import writer_cores
from loadstore.threads import threads_for

MOST = 1000  # an exponent whose power of two is a number
SMALLEST = 2.0**-970  # 52 binary digits above the smallest number of full precision
SINGLE = 100  # an exponent whose power is one in float32
ROWS = 8192  # of a tall matrix at a time: float32 products of so many are added up in double precision


@dataclass(frozen=True, eq=False)
class End:
    """A core [rank, d], or a Gram [d, d] where ``full``; double precision, however exactly a Gram was summed.

    ``exponent``: what is written or read is 2^exponent times as large.
    """

    matrix: Float[Tensor, "_ d"]
    full: bool
    exponent: int = 0

    @property
    def rank(self) -> int:
        """An upper bound on the rank."""
        return self.matrix.shape[0]

    def trace(self) -> Float[Tensor, ""]:
        """‖A‖², in double precision."""
        return self.matrix.diagonal().sum() if self.full else self.matrix.square().sum()

    def product(self, other: "End") -> float:
        """Return tr(a b) = ‖C Dᵀ‖²; for two cores, a sum without cancellation."""
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

    def turned(self, turn: Callable[[Tensor], Tensor]) -> "End":
        """The end of A T, for a linear map T that ``turn`` applies to rows."""
        with threads_for(self.matrix.numel() * self.matrix.shape[1]):
            return replace(self, matrix=turn(turn(self.matrix).mT) if self.full else turn(self.matrix))


def exponent_of(*matrices: Tensor) -> int:
    """Return the exponent of the power of two above all entries; 0 for zeros.

    Raises Undefined if no entry exceeds ``SMALLEST``: a product of such a size has lost digits before it came here.
    """
    largest = max(float(bound.abs()) for matrix in matrices for bound in matrix.aminmax())
    if 0 < largest < SMALLEST:
        raise Undefined(
            f"the largest entry of a matrix, with the gain of its norm, is {largest:.1e}: below {SMALLEST:.1e} double "
            "precision loses digits; multiply the weights by a power of two"
        )
    return max(-MOST, min(MOST, math.frexp(largest)[1])) if 0 < largest < math.inf else 0


def levelled(matrix: Tensor, exponent: int) -> Tensor:
    """Return 2^−exponent times a matrix, which is exact; in double precision where the power is beyond float32."""
    if exponent == 0:
        return matrix
    return (matrix if abs(exponent) < SINGLE else matrix.double()) * 2.0**-exponent


def low_rank(matrix: Factored) -> End:
    """The end of what a factored map writes: C = (leftᵀ left)^½ right."""
    left, right = exponent_of(matrix.left), exponent_of(matrix.right)
    (core,) = writer_cores([Factored(levelled(matrix.left.double(), left), levelled(matrix.right.double(), right))])
    full = core.shape[0] >= core.shape[1]
    return End(core.mT @ core if full else core, full, left + right)


def of_rows(rows: Float[Tensor, "row d"], dtype: torch.dtype, scales: Float[Tensor, " row"] | None = None) -> End:
    """The end of what a dense matrix writes, its rows scaled if asked; see ``gram_of_rows``."""
    exponent = exponent_of(rows)
    if rows.shape[0] >= rows.shape[1]:
        return End(gram_of_rows([rows], dtype, scales, exponent), full=True, exponent=exponent)
    wide = levelled(rows.double(), exponent)
    return End(wide if scales is None else wide * scales[:, None], full=False, exponent=exponent)


def gram_of_rows(
    matrices: Iterable[Float[Tensor, "_ d"]],
    dtype: torch.dtype,
    scales: Float[Tensor, " _"] | None = None,
    exponent: int = 0,
) -> Float[Tensor, "d d"]:
    """Σ of AᵀA over matrices of several heights, divided by 2^exponent, some rows at a time multiplied in ``dtype``."""
    total: Tensor | None = None
    for rows in matrices:
        total = (
            torch.zeros(rows.shape[1], rows.shape[1], dtype=torch.float64, device=rows.device)
            if total is None
            else total
        )
        for start in range(0, rows.shape[0], ROWS):
            block = levelled(rows[start : start + ROWS], exponent).to(dtype)
            add_gram(total, block if scales is None else block * scales[start : start + ROWS, None].to(block))
    assert total is not None
    return mirror(total)
