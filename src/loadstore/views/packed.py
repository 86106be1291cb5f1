"""Large matrices as text that JSON can hold: only the wires that exist, in as few bytes as their number allows.

========= ============ ======================================================================================
format    wires        what is kept
========= ============ ======================================================================================
float32   ≤ 250,000    seven digits
float16   ≤ 530,000    a part in 2,000 of each number (of numbers below 1/16,384 of the largest: 3e-8 of that)
uint8     more         1/252 of the range
========= ============ ======================================================================================

A panel of 1,000 × 1,000 heads so takes about 1.5 MB at most, whichever part of it exists.
"""

import base64
from typing import TypeAlias

import numpy as np

from loadstore.views.base import Value

EXACT = 250_000  # wires that travel as float32: 1.3 MB of base64
HALF = 530_000  # wires that travel as float16: 1.4 MB of base64
STEPS = 252  # of uint8; the three numbers above stand for -inf, inf and NaN


class Floats(Value, frozen=True, kw_only=True, tag_field="format", tag="float32"):
    """Base64 of little-endian float32 numbers."""

    data: str


class Halves(Value, frozen=True, kw_only=True, tag_field="format", tag="float16"):
    """Base64 of little-endian float16 numbers, in units of ``unit``."""

    unit: float
    data: str


class Levels(Value, frozen=True, kw_only=True, tag_field="format", tag="uint8"):
    """Base64 of bytes, which count steps from ``low``; 253, 254 and 255 stand for -inf, inf and NaN."""

    low: float
    step: float
    data: str


Packed: TypeAlias = Floats | Halves | Levels
"""Numbers of the wires that exist."""


def bits(exists: np.ndarray) -> str | None:
    """Which cells exist, a bit each, row by row; None where all do."""
    return None if exists.all() else text(np.packbits(exists.ravel(), bitorder="little"))


def packed(values: np.ndarray) -> Packed:
    """A list of numbers, packed; NaN and the infinities stay what they are."""
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
    """How finely `packed` keeps these numbers, in words; None where it keeps seven digits."""
    finite = values[np.isfinite(values)]
    if values.size <= EXACT or not finite.size:
        return None
    if values.size <= HALF:
        return f"one part in 2,000, but no finer than {np.abs(finite).max() * 2.0**-25:.1g}"
    return f"steps of {(finite.max() - finite.min()) / STEPS:.2g}"


def text(array: np.ndarray) -> str:
    """The bytes of an array as base64."""
    return base64.b64encode(array.tobytes()).decode()
