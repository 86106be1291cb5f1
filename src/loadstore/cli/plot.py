"""Plots in characters only, for a terminal, a pipe or a log."""

import math
from collections.abc import Sequence
from itertools import pairwise

BARS = "▁▂▃▄▅▆▇█"
MARK, RULE = "●", "┊"


def sparkline(values: Sequence[float], low: float, high: float, width: int) -> str:
    """The last ``width`` values as bars between ``low`` and ``high``."""
    top = len(BARS) - 1
    return "".join(BARS[min(top, max(0, round((value - low) / (high - low) * top)))] for value in list(values)[-width:])


def log_plot(
    title: str,
    x: Sequence[float] | Sequence[int],
    y: Sequence[float],
    rules: Sequence[float] = (),
    *,
    width: int = 64,
    height: int = 7,
) -> list[str]:
    """Lines of text: y over log x, joined between the points, with vertical rules. Points with x ≤ 0 are left out."""
    points = [(math.log(a), b) for a, b in zip(x, y, strict=True) if a > 0]
    left, right = points[0][0], points[-1][0]
    low, high = min(0.0, *(b for _, b in points)), max(b for _, b in points)
    span, rise = (right - left) or 1.0, (high - low) or 1.0

    def column(a: float) -> int:
        return round((a - left) / span * (width - 1))

    grid = [[" "] * width for _ in range(height)]
    for value in rules:
        for row in grid:
            row[min(width - 1, max(0, column(math.log(value))))] = RULE
    for across in range(width):
        level = _between(points, left + across / (width - 1) * span)
        grid[height - 1 - round((level - low) / rise * (height - 1))][across] = MARK
    marks = {0: f"{high:.2f}", height - 1: f"{low:.2f}"}
    rows = [f"{marks.get(index, ''):>7} │{''.join(row)}" for index, row in enumerate(grid)]
    ends = f"{math.exp(left):,.0f}", f"{math.exp(right):,.0f} tokens"
    return [f"{'':8}{title}", *rows, f"{'':8}└{'─' * width}", f"{'':9}{ends[0]}{ends[1]:>{width - len(ends[0])}}"]


def _between(points: Sequence[tuple[float, float]], a: float) -> float:
    """The value at ``a``, by linear interpolation between its neighbours."""
    for (x0, y0), (x1, y1) in pairwise(points):
        if x0 <= a <= x1 and x1 > x0:
            return y0 + (a - x0) / (x1 - x0) * (y1 - y0)
    return points[-1][1] if a > points[0][0] else points[0][1]
