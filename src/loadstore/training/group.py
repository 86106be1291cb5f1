"""The processes that train together: each computes its rows of a batch, all take the same step, the first writes.

``torchrun`` starts them and states their number in the environment; without it a process trains alone.
"""

import os
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor

from loadstore.errors import BadRequest


@dataclass(frozen=True, slots=True)
class Group:
    """How many processes train together, and which of them this is."""

    size: int = 1
    rank: int = 0

    @property
    def first(self) -> bool:
        """Whether this is the process that writes and reports."""
        return self.rank == 0

    def rows(self, batch: int) -> slice:
        """Which rows of a batch are this process's. Raises BadRequest where they cannot be shared equally."""
        if batch % self.size:
            raise BadRequest(
                f"a batch of {batch} cannot be shared by {self.size} processes; start a divisor of {batch}"
            )
        share = batch // self.size
        return slice(self.rank * share, (self.rank + 1) * share)

    def whole(self, rows: Tensor) -> Tensor:
        """Put the rows of all processes together."""
        if self.size == 1:
            return rows
        parts = [torch.empty_like(rows) for _ in range(self.size)]
        dist.all_gather(parts, rows.contiguous())
        return torch.cat(parts)

    def any(self, *, here: bool) -> bool:
        """Whether it is so in any process."""
        if self.size == 1:
            return here
        flag = torch.tensor(int(here))
        dist.all_reduce(flag, dist.ReduceOp.MAX)
        return bool(flag)

    def of_first(self, *, here: bool) -> bool:
        """What the first process says."""
        if self.size == 1:
            return here
        flag = torch.tensor(int(here))
        dist.broadcast(flag, 0)
        return bool(flag)

    def meet(self) -> None:
        """Wait for all processes."""
        if self.size > 1:
            dist.barrier()


ALONE = Group()


@contextmanager
def joined() -> Generator[Group]:
    """Join the processes that ``torchrun`` started, over gloo; alone where it did not start this one."""
    size = int(os.environ.get("WORLD_SIZE", "1")) if "TORCHELASTIC_RUN_ID" in os.environ else 1
    if size == 1:
        yield ALONE
        return
    dist.init_process_group("gloo")
    try:
        yield Group(size, dist.get_rank())
    finally:
        dist.destroy_process_group()
