"""The half of a symmetric matrix that is multiplied and kept: rows of blocks, each from the diagonal on."""

import torch
from jaxtyping import Float
from torch import Tensor

from loadstore.threads import threads_for

BLOCKS = 6


def bands(d: int) -> list[tuple[slice, slice]]:
    """Rows and columns of each row of blocks: the columns start where the rows do."""
    step = -(-d // BLOCKS)
    return [(slice(start, min(start + step, d)), slice(start, d)) for start in range(0, d, step)]


def packed_size(d: int) -> int:
    """Numbers in all rows of blocks: a little over half of d²."""
    return sum((rows.stop - rows.start) * (d - rows.start) for rows, _ in bands(d))


def add_gram(total: Float[Tensor, "d d"], rows: Float[Tensor, "row d"]) -> None:
    """Add AᵀA to the blocks on and above the diagonal."""
    with threads_for(len(rows) * rows.shape[1] ** 2 / BLOCKS):
        for band, rest in bands(rows.shape[1]):
            total[band, rest] += rows[:, band].mT @ rows[:, rest]


def mirror(total: Float[Tensor, "d d"]) -> Float[Tensor, "d d"]:
    """Fill the lower half from the upper."""
    upper = torch.triu(total)
    return upper + torch.triu(total, 1).mT
