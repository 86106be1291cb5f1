"""Ratios of sums over pieces of text, f = Σ a_i/Σ b_i, with intervals from the residuals a_i − f b_i (delta method)."""

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

LEVEL = 0.95
FEWEST = 4  # pieces needed for an interval


@dataclass(frozen=True)
class Ratio:
    """A ratio and its 95 % interval; the interval is NaN for fewer than four pieces."""

    value: float
    low: float
    high: float


def ratio(numerators: np.ndarray, denominators: np.ndarray) -> Ratio:
    """Σ a/Σ b with Student's interval over pieces; all NaN if Σ b is 0."""
    total, count = float(denominators.sum()), len(denominators)
    if total == 0:
        return Ratio(math.nan, math.nan, math.nan)
    value = float(numerators.sum()) / total
    if count < FEWEST:
        return Ratio(value, math.nan, math.nan)
    spread = np.square(numerators - value * denominators).sum() * count / (count - 1)
    half = student(count - 1) * math.sqrt(float(spread)) / abs(total)
    return Ratio(value, value - half, value + half)


def student(freedom: int) -> float:
    """The 97.5 % quantile of Student's t, by the Cornish–Fisher expansion: within 1 % from 3 degrees of freedom."""
    z = NormalDist().inv_cdf((1 + LEVEL) / 2)
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + first / freedom + second / freedom**2 + third / freedom**3
