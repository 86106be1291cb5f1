"""The number of threads that torch computes with: one for small products, all available threads for large ones.

Threads that busy-wait are slow when other processes run, because each small product then waits until the operating
system schedules the other thread. Small work therefore runs on one thread, and ``prepare`` asks for waiting threads to
sleep. The OpenMP runtime reads that request once, when torch is loaded. ``loadstore`` makes it on its own import; a
program that imports torch first must set ``OMP_WAIT_POLICY=PASSIVE`` itself (docs/threads.md).
"""

import math
import os
import sys
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from threading import Lock
from typing import TypeVar

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

LARGE = 1 << 26  # multiplications in one matrix product above which a second thread pays off
GROUPS = Path("/sys/fs/cgroup")


def prepare() -> None:
    """Ask the OpenMP runtime for sleeping waits and for at most as many threads as this process may use.

    Existing settings of the user are kept. There is no effect once torch is loaded.
    """
    if "torch" in sys.modules:
        return
    if "GOMP_SPINCOUNT" not in os.environ:
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    if (allowed := available()) < (os.cpu_count() or 1):
        os.environ.setdefault("OMP_NUM_THREADS", str(allowed))


def available() -> int:
    """Return how many processors this process may use: its affinity, and the CPU quota of its container."""
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = _quota()
    return processors if quota is None else max(1, min(processors, math.ceil(quota)))


def _quota() -> float | None:
    """Return the CPU quota in processors (cgroup v2, then v1), or None if there is none."""
    try:
        limit, period = (GROUPS / "cpu.max").read_text().split()
    except (OSError, ValueError):
        try:
            limit = (GROUPS / "cpu/cpu.cfs_quota_us").read_text().strip()
            period = (GROUPS / "cpu/cpu.cfs_period_us").read_text().strip()
        except OSError:
            return None
    try:
        share = float(limit) / float(period)
    except (ValueError, ZeroDivisionError):
        return None  # cgroup v2 writes "max" if there is no limit
    return share if share > 0 else None


class _Outside:
    """The threads that torch had before the outermost block began, in any thread of the program."""

    def __init__(self) -> None:
        self._lock, self._depth, self._count = Lock(), 0, 1

    def enter(self, now: int) -> int:
        """Begin a block of a thread that has ``now`` threads; returns the count outside of every block."""
        with self._lock:
            if self._depth == 0:
                self._count = now
            self._depth += 1
            return self._count

    def leave(self) -> None:
        """End a block."""
        with self._lock:
            self._depth -= 1


_outside = _Outside()


@contextmanager
def threads_for(multiplications: int | float) -> Generator[None]:
    """Run a block on one thread if its products are smaller than ``LARGE``, else on all threads torch had outside.

    Blocks nest: a large product inside a small block gets the threads that torch had outside of both.

    Args:
        multiplications: Scalar multiplications of one typical product of the block; 0 for many small operations.
    """
    import torch

    before = torch.get_num_threads()
    outside = _outside.enter(before)
    torch.set_num_threads(outside if multiplications >= LARGE else 1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
        _outside.leave()


def threads_if_slow(multiplications: int | float) -> AbstractContextManager[None]:
    """Like ``threads_for``, for products between small operations: more threads only if a product takes tens of ms.

    On a busy machine a woken thread waits about 8 ms to be scheduled, longer than most products of a layer take.

    Args:
        multiplications: Scalar multiplications of one typical product of the block.
    """
    return threads_for(multiplications / 16)


def at_once(work: Callable[[_Item], _Result], items: Sequence[_Item]) -> list[_Result]:
    """Apply a function to independent items, one item per thread that torch had outside; each computes on one thread.

    For work that torch does on a single thread and that leaves Python (LAPACK). Waiting costs nothing beside a busy
    process, because no thread waits for another one within an item.

    Args:
        work: The function. It must not change what other items read.
        items: Its arguments.

    Returns:
        The results in the order of the items. The first error is raised.
    """
    import torch

    def alone(item: _Item) -> _Result:
        with torch.no_grad(), threads_for(0):  # both are settings of a thread
            return work(item)

    with threads_for(LARGE):
        workers = min(torch.get_num_threads(), len(items))
    if workers < 2:  # also none
        return [alone(item) for item in items]
    with threads_for(0), ThreadPoolExecutor(workers) as pool:
        return list(pool.map(alone, items))
