"""Large matrices as text in JSON: only the wires that exist, in a format that depends on their number.

========= ============ ======================================================================================
format    wires        precision
========= ============ ======================================================================================
float32   ≤ 250,000    seven digits
float16   ≤ 530,000    1/2,000 of each number (below 1/16,384 of the largest number: 3e-8 of the largest)
uint8     more         1/252 of the range
========= ============ ======================================================================================

A panel of 1,000 × 1,000 heads therefore takes at most about 1.5 MB, whichever part of it exists.
"""

import base64
from typing import TypeAlias

import numpy as np

from loadstore.views.base import Value

EXACT = 250_000  # maximum wires sent as float32: 1.3 MB of base64
HALF = 530_000  # maximum wires sent as float16: 1.4 MB of base64
STEPS = 252  # of uint8; the three larger values denote -inf, inf and NaN


class Floats(Value, frozen=True, kw_only=True, tag_field="format", tag="float32"):
    """Base64 of little-endian float32 numbers."""

    data: str


class Halves(Value, frozen=True, kw_only=True, tag_field="format", tag="float16"):
    """Base64 of little-endian float16 numbers, in units of ``unit``."""

    unit: float
    data: str


class Levels(Value, frozen=True, kw_only=True, tag_field="format", tag="uint8"):
    """Base64 of bytes that count steps from ``low``; 253, 254 and 255 denote -inf, inf and NaN."""

    low: float
    step: float
    data: str


Packed: TypeAlias = Floats | Halves | Levels
"""Numbers of the wires that exist."""


def bits(exists: np.ndarray) -> str | None:
    """Which cells exist, one bit each, row by row; None if all exist."""
    return None if exists.all() else text(np.packbits(exists.ravel(), bitorder="little"))


def packed(values: np.ndarray) -> Packed:
    """A list of numbers, packed; NaN and infinities are preserved."""
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    if values.size <= EXACT:
        with np.errstate(over="ignore"):
            return Floats(data=text(values.astype("<f4")))
    if values.size <= HALF:
        unit = max(abs(low), abs(high)) or 1.0
        return Halves(unit=unit, data=text((values / unit).astype("<f2")))
    step = (high - low) / STEPS or 1.0
    with np.errstate(invalid="ignore"):
        levels = np.rint((values - low) / step)
    levels = np.select([np.isnan(values), values == np.inf, values == -np.inf], [255, 254, 253], levels)
    return Levels(low=low, step=step, data=text(levels.astype(np.uint8)))


def resolution(values: np.ndarray) -> str | None:
    """The precision with which `packed` keeps these numbers, in words; None for seven digits."""
    finite = values[np.isfinite(values)]
    if values.size <= EXACT or not finite.size:
        return None
    if values.size <= HALF:
        return f"one part in 2,000, but no finer than {np.abs(finite).max() * 2.0**-25:.1g}"
    return f"steps of {(finite.max() - finite.min()) / STEPS:.2g}"


def text(array: np.ndarray) -> str:
    """The bytes of an array as base64."""
    return base64.b64encode(array.tobytes()).decode()
