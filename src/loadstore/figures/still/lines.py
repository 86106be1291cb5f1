"""A line plot as a still picture: curves over linear or logarithmic axes, with their names."""

import math
from collections.abc import Callable

from loadstore.figures.still.sheet import INK, LETTER, MARGIN, WIDTH, Block, number, text
from loadstore.views.base import Cell
from loadstore.views.charts import Axis, Lines

HIGH = 200.0
TOP, LEFT = 22.0, 62.0


def lines(view: Lines) -> Block:
    """All series of a line plot."""
    wide = max((len(series.name) for series in view.series), default=0) * LETTER + 16
    right, bottom = WIDTH - 2 * MARGIN - min(wide, 180.0), TOP + HIGH
    across, up = ([value for series in view.series for value in getattr(series, axis)] for axis in "xy")
    x_at = _along(view.x, across, LEFT, right)
    y_at = _along(view.y, [*up, *(rule.value for rule in view.rules if rule.axis == "y")], bottom, TOP)
    marks = [text(0, 10, view.title, "name"), f'<path class="axis" d="M{LEFT} {TOP}V{bottom}H{right:.1f}"/>']
    for rule in view.rules:
        x, y = x_at(rule.value), y_at(rule.value)
        if rule.axis == "y" and y is not None:
            marks.append(f'<path class="rule" d="M{LEFT} {y:.1f}H{right:.1f}"/>')
            marks.append(text(LEFT - 4, y + 4, rule.label, "soft", "end"))
        elif rule.axis == "x" and x is not None:
            marks.append(f'<path class="rule" d="M{x:.1f} {TOP}V{bottom}"/>')
            marks.append(text(x + 3, TOP + 8, rule.label, "soft"))
    for index, series in enumerate(view.series):
        places = [(x_at(x), y_at(y)) for x, y in zip(series.x, series.y, strict=True)]
        path, pen = "", "M"
        for x, y in places:
            if x is None or y is None:
                pen = "M"
                continue
            path, pen = f"{path}{pen}{x:.1f} {y:.1f}", "L"
        dashed = ' stroke-dasharray="6 4"' if series.dashed else ""
        colour = index % len(INK)
        marks.append(f'<path class="curve c{colour}" d="{path}"{dashed}/>')
        row = TOP + 12 + 16 * index
        marks.append(f'<path class="curve c{colour}" d="M{right + 6:.1f} {row - 4:.1f}h14"{dashed}/>')
        marks.append(text(right + 24, row, series.name))
    for axis, values, vertical in ((view.x, across, False), (view.y, up, True)):
        ends = _ends(axis, values)
        if ends is None:
            continue
        words = f"{axis.label} (log)" if axis.scale == "log" else axis.label
        low, high = (number(end, 2) if 0.01 <= abs(end) < 1e5 or end == 0 else f"{end:.0e}" for end in ends)
        if vertical:
            marks += [
                text(LEFT - 4, bottom, low, "soft", "end"),
                text(14, TOP + HIGH / 2, words, "soft", "middle", -90),
            ]
            marks.append(text(LEFT - 4, TOP + 4, high, "soft", "end"))
        else:
            marks += [text(LEFT, bottom + 14, low, "soft"), text(right, bottom + 14, high, "soft", "end")]
            marks.append(text((LEFT + right) / 2, bottom + 14, words, "soft", "middle"))
    height = max(bottom + 20, TOP + 16 * len(view.series) + 16)
    return Block(height, tuple(marks))


def _drawable(axis: Axis, value: Cell) -> bool:
    return isinstance(value, float | int) and (axis.scale == "linear" or value > 0)


def _ends(axis: Axis, values: list[Cell]) -> tuple[float, float] | None:
    finite = [float(value) for value in values if isinstance(value, float | int) and _drawable(axis, value)]
    return (min(finite), max(finite)) if finite else None


def _along(axis: Axis, values: list[Cell], start: float, end: float) -> Callable[[Cell], float | None]:
    """The position of a number on an axis; None if it cannot be drawn."""
    ends = _ends(axis, values) or (1.0, 10.0)
    low, high = (math.log10(each) if axis.scale == "log" else each for each in ends)

    def at(value: Cell) -> float | None:
        if not isinstance(value, float | int) or not _drawable(axis, value):
            return None
        position = math.log10(value) if axis.scale == "log" else value
        return start + (position - low) / (high - low or 1.0) * (end - start)

    return at
