"""A dot plot: one number per row, with its interval and the numbers to compare."""

import math
from collections.abc import Sequence

from loadstore.views.base import Cell, Value, View, cell


class Dot(Value, frozen=True, kw_only=True):
    """One row.

    Args:
        label: The name of the row.
        value: The number.
        interval: The ends of its interval; None without one.
        others: The numbers to compare, drawn as thin lines.
        text: A text after the number.
        strong: Whether it is emphasised.
    """

    label: str
    value: Cell
    interval: tuple[Cell, Cell] | None
    others: tuple[Cell, ...]
    text: str
    strong: bool


class Dots(View, frozen=True, kw_only=True, tag="loadstore/dots@1"):
    """A dot plot over one axis.

    Args:
        label: The axis, with its unit.
        others: The meaning of the thin lines; "" without any.
        low: The lower end of the axis.
        high: Its upper end.
        digits: Decimals of numbers.
        rows: The rows, from the top.
        rules: Reference lines.
    """

    label: str
    others: str
    low: float
    high: float
    digits: int
    rows: tuple[Dot, ...]
    rules: tuple[tuple[float, str], ...]


def dot(
    label: str,
    value: float,
    interval: tuple[float, float] | None = None,
    others: Sequence[float] = (),
    text: str = "",
    *,
    strong: bool = False,
) -> Dot:
    """One row of a dot plot."""
    ends = None if interval is None else (cell(interval[0]), cell(interval[1]))
    return Dot(
        label=label,
        value=cell(value),
        interval=ends,
        others=tuple(cell(each) for each in others),
        text=text,
        strong=strong,
    )


def dots(
    title: str,
    label: str,
    rows: Sequence[Dot],
    *,
    others: str = "",
    rules: Sequence[tuple[float, str]] = (),
    digits: int = 2,
) -> Dots:
    """A dot plot whose axis covers every number and rule; a rule that is undefined is not drawn."""
    numbers = [number for row in rows for number in (row.value, *(row.interval or ()), *row.others)]
    finite = [number for number in numbers if isinstance(number, float) and math.isfinite(number)]
    rules = [(float(value), text) for value, text in rules if math.isfinite(value)]
    finite += [value for value, _ in rules] or [0.0]
    low, high = min(finite), max(finite)
    room = 0.04 * (high - low) or 0.5
    return Dots(
        title=title,
        label=label,
        others=others,
        low=low - room,
        high=high + room,
        digits=digits,
        rows=tuple(rows),
        rules=tuple(rules),
    )
