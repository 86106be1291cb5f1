"""How fast this machine works now: four rates that turn a count of work into seconds."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import torch

from loadstore.linear.decompositions import eigvalsh
from loadstore.threads import threads_for

Clock = Callable[[], float]
SIDE, RUNS = 1024, 5  # of the matrix products, and how often each kind of work runs
DECOMPOSED = 512  # rows of the matrix whose eigenvalues are found
PASS = 1 << 24  # numbers that one pass over memory reads and writes: more than a cache holds
SMALL, CALLS = 64, 200  # numbers of a small operation, and how many run in a row


@dataclass(frozen=True, slots=True)
class Machine:
    """What a machine does in a second.

    Args:
        products: Floating-point operations of float32 matrix products.
        decompositions: Floating-point operations of eigenvalues, 4/3 n³ each, on all threads, a matrix on each.
        moved: Bytes that are read from memory or written to new memory.
        calls: Small operations, each on a few numbers.
    """

    products: float
    decompositions: float
    moved: float
    calls: float


ORDINARY = Machine(products=3e10, decompositions=3e9, moved=5e9, calls=1e5)
"""One thread of a modest processor: for decisions that must be the same everywhere."""


def machine() -> Machine:
    """Return the rates of this machine with the threads that torch has now, measured once in a process."""
    return _measured(torch.get_num_threads())


@cache
def _measured(threads: int) -> Machine:
    return measured(threads)


def measured(threads: int, clock: Clock = time.perf_counter) -> Machine:
    """Measure the rates (about .2 s): medians of a few runs of each kind of work.

    Args:
        threads: The number of threads that torch has; decompositions run one on each.
        clock: Seconds; ``time.process_time`` leaves out the time of other processes.
    """
    small = torch.ones(SMALL)

    def calls() -> None:
        for _ in range(CALLS):
            small.add(1.0)

    return Machine(
        products=product_rate(clock=clock),
        decompositions=decomposition_rate(clock) * threads,
        moved=memory_rate(clock),
        calls=CALLS / _seconds(calls, clock),
    )


def product_rate(size: int = SIDE, runs: int = RUNS, clock: Clock = time.perf_counter) -> float:
    """Floating-point operations per second of float32 matrix products."""
    a = torch.randn(size, size)
    return 2.0 * size**3 / _seconds(lambda: torch.mm(a, a), clock, runs)


def memory_rate(clock: Clock = time.perf_counter, size: int = PASS) -> float:
    """Bytes per second of passes that read every number and write another one to new memory, as most operations do.

    Some processors write in place ten times as fast, because no page has to be made.
    """
    numbers = torch.zeros(size)
    return 2.0 * numbers.nbytes / _seconds(lambda: numbers.add(1.0), clock)


def decomposition_rate(clock: Clock = time.perf_counter, size: int = DECOMPOSED) -> float:
    """Floating-point operations per second of the eigenvalues of a symmetric float32 matrix, on one thread."""
    a = torch.randn(size, size)
    with threads_for(0):
        symmetric = a @ a.mT
        return 4 / 3 * size**3 / _seconds(lambda: eigvalsh(symmetric), clock, 3)


def _seconds(work: Callable[[], object], clock: Clock, runs: int = RUNS) -> float:
    """Median seconds of a few runs after one that is not counted."""
    times: list[float] = []
    for _ in range(runs + 1):
        start = clock()
        work()
        times.append(clock() - start)
    return max(1e-9, statistics.median(times[1:]))
