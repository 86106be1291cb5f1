"""The blocks of a symmetric matrix that are computed and kept: those on and above the diagonal."""

import torch
from jaxtyping import Float
from torch import Tensor

from loadstore.threads import threads_for

FEWEST, MOST = 6, 16  # block rows: n of them leave (n + 1)/2n of the arithmetic of a whole matrix
ROWS = 256  # of a block, at least, beyond FEWEST of them: thinner blocks are multiplied more slowly


def bands(d: int) -> list[tuple[slice, slice]]:
    """Rows and columns of each block row; the columns begin at the diagonal."""
    step = -(-d // max(FEWEST, min(MOST, d // ROWS)))
    return [(slice(start, min(start + step, d)), slice(start, d)) for start in range(0, d, step)]


def packed_size(d: int) -> int:
    """The number of entries in all block rows: a little over half of d²."""
    return sum((rows.stop - rows.start) * (d - rows.start) for rows, _ in bands(d))


def add_gram(total: Float[Tensor, "d d"], rows: Float[Tensor, "row d"]) -> None:
    """Add AᵀA to the blocks on and above the diagonal."""
    with threads_for(len(rows) * rows.shape[1] ** 2 / FEWEST):
        for band, rest in bands(rows.shape[1]):
            total[band, rest] += rows[:, band].mT @ rows[:, rest]


def mirror(total: Float[Tensor, "d d"]) -> Float[Tensor, "d d"]:
    """Fill the lower half from the upper, in place, and return the matrix."""
    for band, rest in bands(total.shape[0]):
        later = slice(band.stop, rest.stop)
        total[later, band] = total[band, later].mT
        total[band, band] = torch.triu(total[band, band]) + torch.triu(total[band, band], 1).mT
    return total
