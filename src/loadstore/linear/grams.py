"""⟨AᵀA, B Bᵀ⟩ of many ends at once, by one product of symmetric matrices stored as packed halves.

Diagonals are multiplied in double precision: chance depends only on them, and they contain the largest entries of a
stream with outliers. The rest of a matrix is packed as its blocks on and above the diagonal,
in block rows; each off-diagonal block counts twice. Derivation: docs/scores-through-cores.md, checked by
tests/scores/test_engine.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import torch
from jaxtyping import Float
from torch import Tensor

from loadstore.linear.bands import bands
from loadstore.linear.ends import End
from loadstore.threads import at_once, threads_for

LONG = 1 << 12  # terms that one product sums in its own precision; these sums are added in double precision
RUN = 8  # products of this many terms that a thread takes at a time


@dataclass(frozen=True, eq=False)
class Packed:
    """Matrices of several ends: ``blocks`` are their block rows [end, rows, columns], with zeros on the diagonal."""

    blocks: list[Float[Tensor, "end _ _"]]
    diagonals: Float[Tensor, "end d"]

    @classmethod
    def empty(cls, ends: int, d: int, like: Tensor) -> "Packed":
        """Allocate memory for several ends."""
        blocks = [like.new_empty(ends, rows.stop - rows.start, d - rows.start) for rows, _ in bands(d)]
        return cls(blocks, like.new_empty(ends, d, dtype=torch.float64))

    @classmethod
    def of(cls, ends: Sequence[End], dtype: torch.dtype) -> "Packed":
        """Pack ends, multiplied in ``dtype``."""
        packed = cls.empty(len(ends), ends[0].matrix.shape[1], ends[0].matrix.to(dtype))
        packed.put(0, ends)
        return packed

    def put(self, start: int, ends: Sequence[End]) -> None:
        """Pack ends from an index on; consecutive ends of equal rank are packed together."""
        for (full, _), group in groupby(ends, key=lambda end: (end.full, end.rank)):
            stack = list(group)
            self._put(slice(start, start + len(stack)), torch.stack([end.matrix for end in stack]), full=full)
            start += len(stack)

    def _put(self, at: slice, stack: Float[Tensor, "end _ d"], *, full: bool) -> None:
        """Compute only the blocks that are kept."""
        if full:
            self.diagonals[at] = stack.diagonal(dim1=1, dim2=2).double()
        else:
            self.diagonals[at] = torch.linalg.vector_norm(stack, dim=1, dtype=torch.float64).square()
        cores = stack.to(self.blocks[0].dtype)
        for block, (rows, columns) in zip(self.blocks, bands(stack.shape[2]), strict=True):
            if full:
                block[at].copy_(cores[:, rows, columns])
            else:
                with threads_for(cores[:, :, rows].numel() * block.shape[2]):
                    torch.bmm(cores[:, :, rows].mT, cores[:, :, columns], out=block[at])
            block[at].diagonal(dim1=1, dim2=2).zero_()

    def peaks(self) -> Float[Tensor, " end"]:
        """The largest magnitude off the diagonal of each end, before ``weigh``, in double precision."""
        largest = [torch.maximum(block.amax((1, 2)), -block.amin((1, 2))) for block in self.blocks]
        return torch.stack(largest).amax(0).double().cpu()

    def weigh(self) -> None:
        """Count the blocks above the diagonal twice; call this on one side of a product only."""
        for block in self.blocks:
            block[:, :, block.shape[1] :].mul_(2)


def products(weighed: Packed, packed: Packed, writers: slice) -> Float[Tensor, "writer reader"]:
    """⟨a, b⟩ of some writers with every reader, added in double precision over chunks of ``LONG`` terms.

    A product of a chunk is too small for several threads, so each takes other chunks.
    """
    blocks = [(a[writers].flatten(1), b.flatten(1)) for a, b in zip(weighed.blocks, packed.blocks, strict=True)]
    runs = [(a, b, start) for a, b in blocks for start in range(0, a.shape[1], RUN * LONG)]

    def summed(run: tuple[Tensor, Tensor, int]) -> Float[Tensor, "writer reader"]:
        a, b, first = run
        total = a.new_zeros(len(a), len(b), dtype=torch.float64)
        for start in range(first, min(first + RUN * LONG, a.shape[1]), LONG):
            total += a[:, start : start + LONG] @ b[:, start : start + LONG].mT
        return total

    total = weighed.diagonals[writers] @ packed.diagonals.mT
    for part in at_once(summed, runs):
        total += part
    return total


def crossed(writers: Sequence[Float[Tensor, "_ d"]], reader: Float[Tensor, "core d"]) -> Float[Tensor, " writer"]:
    """‖C Dᵀ‖² of writers' cores with one reader's core; no term is negative, so there is no cancellation."""
    together = torch.cat(list(writers))
    owner = torch.repeat_interleave(
        torch.arange(len(writers), device=together.device),
        torch.tensor([len(core) for core in writers], device=together.device),
    )
    sizes = (together @ reader.mT).double().square().sum(1)
    return torch.zeros(len(writers), dtype=torch.float64, device=together.device).index_add_(0, owner, sizes)
