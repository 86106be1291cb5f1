"""Whether this machine multiplies faster in bfloat16: measured, since only some processors have units for it."""

import statistics
import time

import torch

SIZE = 768
REPEATS = 5
WORTH = 0.8  # bfloat16 must take at most this share of float32's time


def faster_in_bfloat16() -> bool:
    """Time one matrix product in both formats and compare medians."""
    return _seconds(torch.bfloat16) < WORTH * _seconds(torch.float32)


def _seconds(dtype: torch.dtype) -> float:
    a = torch.ones(SIZE, SIZE, dtype=dtype)
    times: list[float] = []
    for _ in range(REPEATS + 1):
        began = time.perf_counter()
        torch.matmul(a, a)
        times.append(time.perf_counter() - began)
    return statistics.median(times[1:])
