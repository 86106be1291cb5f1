"""How fast this machine multiplies matrices now."""

import time
from collections.abc import Callable

import torch


def matmul_rate(size: int = 1024, runs: int = 5, clock: Callable[[], float] = time.perf_counter) -> float:
    """Operations per second of float32 matrix products on this machine now: the median of a few runs."""
    a = torch.randn(size, size)
    times: list[float] = []
    for _ in range(runs + 1):
        start = clock()
        torch.mm(a, a)
        times.append(clock() - start)
    return 2.0 * size**3 / max(1e-9, sorted(times[1:])[runs // 2])
