"""Ratios of the processor's time of some work to that of a yardstick, in turns, on one thread."""

import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

ROUNDS = 5
Call = Callable[[], object]


@dataclass(frozen=True)
class Row:
    """Some work, and the name of the yardstick that it is compared with."""

    work: Call
    yardstick: str


def ratio(row: Row, yardsticks: Mapping[str, Call], rounds: int = ROUNDS) -> float:
    """The median ratio of several turns, after one that is not counted."""
    yardstick = yardsticks[row.yardstick]
    row.work()
    yardstick()
    return statistics.median(seconds(row.work) / seconds(yardstick) for _ in range(rounds))


def ratio_of_processes(ours: str, other: str, rounds: int = ROUNDS) -> float:
    """The same of two processes, given by their code."""
    return statistics.median(_child(ours) / _child(other) for _ in range(rounds))


def seconds(call: Call) -> float:
    """Seconds of the processor that some work takes."""
    start = time.process_time()
    call()
    return time.process_time() - start


def _child(code: str) -> float:
    before = _used()
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    return _used() - before


def _used() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
