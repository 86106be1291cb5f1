"""The one rule for numbers that were rounded on the way: how far apart two computations of the same thing may be.

Another CPU, another number of threads and another batch shape add the same terms in another order. Two such results
differ by a multiple of

    ε(dtype) · √terms · scale

with ε the spacing of the number format, ``terms`` how many rounded terms one result adds up, and ``scale`` the largest
number that is added or compared. A result smaller than its terms (a difference of logits) keeps the error of the terms,
so its scale is theirs. ``SLACK`` is the multiple that is allowed: errors of a chain of products multiply their parts.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

SLACK = 4.0
TERMS = 1024  # a pass of the built-in model adds about so many, of products within products


def tolerance(scale: float, *, dtype: torch.dtype = torch.float32, terms: int = TERMS) -> float:
    """Return SLACK · ε · √terms · scale."""
    return SLACK * torch.finfo(dtype).eps * terms**0.5 * scale


def assert_close(
    actual: Any, expected: Any, *, dtype: torch.dtype | None = None, terms: int = TERMS, scale: float | None = None
) -> None:
    """Compare numbers of equal shape; NaN equals NaN, and an infinity its like.

    Args:
        actual: A tensor, an array, a number, or a sequence of numbers.
        expected: The same numbers by another way.
        dtype: The number format of the computation. None takes the coarser one of the two; say it for Python numbers,
            which count as double precision whatever they came from.
        terms: How many rounded terms one number adds up.
        scale: The largest number that is added or compared; None takes the largest expected one.
    """
    formats = [_dtype(actual), _dtype(expected)] if dtype is None else [dtype]
    coarse = max(formats, key=lambda each: torch.finfo(each).eps)
    one, other = _numbers(actual), _numbers(expected)
    assert one.shape == other.shape, f"shapes {list(one.shape)} and {list(other.shape)}"
    finite = np.isfinite(other)
    np.testing.assert_array_equal(one[~finite], other[~finite])
    assert np.isfinite(one[finite]).all(), f"{one.tolist()} where {other.tolist()} is expected"
    if not finite.any():
        return
    largest = float(np.abs(other[finite]).max()) if scale is None else scale
    allowed, gaps = tolerance(largest, dtype=coarse, terms=terms), np.zeros(other.shape)
    gaps[finite] = np.abs(one[finite] - other[finite])
    worst = np.unravel_index(int(np.argmax(gaps)), gaps.shape)
    assert gaps[worst] <= allowed, (
        f"{one[worst]!r} and {other[worst]!r} at {[int(i) for i in worst]} differ by {gaps[worst]:.3g}; allowed: "
        f"{allowed:.3g} = {SLACK:g} · ε({coarse}) · √{terms} · {largest:.3g}"
    )


def _dtype(values: Any) -> torch.dtype:
    if isinstance(values, torch.Tensor):
        return values.dtype if values.dtype.is_floating_point else torch.float64
    kind = getattr(values, "dtype", None)  # an array, a NumPy number or a labelled array
    return torch.float32 if kind == np.float32 else torch.float16 if kind == np.float16 else torch.float64


def _numbers(values: Any) -> np.ndarray:
    if isinstance(values, torch.Tensor):
        return values.detach().double().cpu().numpy()
    if isinstance(values, Sequence):
        values = [np.nan if value is None else float(value) for value in values]
    return np.asarray(values, dtype=np.float64)
