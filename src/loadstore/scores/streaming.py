"""Computes properties of a vocabulary × vocabulary map tile by tile, without forming it."""

from collections.abc import Iterator

import torch
from jaxtyping import Float, Int
from torch import Tensor

from loadstore.linear.decompositions import finite
from loadstore.linear.factored import Factored
from loadstore.threads import at_once, threads_for

ROWS, COLUMNS = 1024, 1024
"""Maximum tile size: 4 MB in float32, so that a tile is counted while it is still in the cache."""
DOUBLE_BELOW = 8192
"""Up to this many tokens a vocabulary map is computed in double precision, above it in float32."""


def precise(matrix: Factored) -> Factored:
    """The same map in double precision if it has at most DOUBLE_BELOW rows, else in at least float32.

    Raises Undefined if a factor is not finite in the model's dtype.
    """
    dtype = torch.float64 if matrix.shape[0] <= DOUBLE_BELOW else torch.float32
    dtype = torch.promote_types(matrix.left.dtype, dtype)
    return Factored(finite(matrix.left).to(dtype), finite(matrix.right).to(dtype))


def tiles(matrix: Factored) -> Iterator[tuple[int, int, Float[Tensor, "row column"]]]:
    """Yield first row, first column and tile, one block of rows after another."""
    rows, columns = matrix.shape
    for top in range(0, rows, ROWS):
        left = matrix.left[top : top + ROWS]
        for start in range(0, columns, COLUMNS):
            with threads_for(left.numel() * COLUMNS):
                tile = left @ matrix.right[:, start : start + COLUMNS]
            yield top, start, tile


def diagonal_ranks(matrix: Factored) -> Int[Tensor, " row"]:
    """How many other entries of each row are at least the diagonal entry: 0 if the diagonal is the only maximum.

    A tie counts against the diagonal, so a row of equal entries is not a hit. Blocks of rows go to different threads.
    """
    diagonal = (matrix.left * matrix.right.mT).sum(1, keepdim=True)

    def ranks(top: int) -> Float[Tensor, " row"]:
        left, limit = matrix.left[top : top + ROWS], diagonal[top : top + ROWS]
        counts, space = limit.new_zeros(len(left)), limit.new_empty(len(left), COLUMNS)
        for start in range(0, matrix.shape[1], COLUMNS):
            right = matrix.right[:, start : start + COLUMNS]
            tile = torch.mm(left, right, out=space[:, : right.shape[1]])  # new memory would take a sixth of the time
            first, end = max(top, start), min(top + len(tile), start + tile.shape[1])
            own = torch.arange(first, max(first, end))
            tile[own - top, own - start] = -torch.inf  # recomputed, it could differ from itself by rounding
            counts += tile.ge_(limit).sum(1)
        return counts

    return torch.cat(at_once(ranks, range(0, matrix.shape[0], ROWS))).long()


def strongest_entries(
    matrix: Factored, count: int
) -> tuple[Float[Tensor, " entry"], Int[Tensor, " entry"], Int[Tensor, " entry"]]:
    """The ``count`` largest entries with their rows and columns, largest first."""
    values = matrix.left.new_empty(0)
    rows = columns = torch.empty(0, dtype=torch.int64, device=values.device)
    for top, start, tile in tiles(matrix):
        flat, width = tile.flatten(), tile.shape[1]
        best, index = flat.topk(min(count, len(flat)))
        values, rows = torch.cat([values, best]), torch.cat([rows, top + index // width])
        columns = torch.cat([columns, start + index % width])
        values, kept = values.topk(min(count, len(values)))
        rows, columns = rows[kept], columns[kept]
    return values, rows, columns
