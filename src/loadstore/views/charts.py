"""Lines, tables and bars."""

import math
from collections.abc import Iterable, Sequence
from typing import Any, Literal, SupportsFloat

import numpy as np

from loadstore.views.base import Cell, Value, View, cell, round_up


class Axis(Value, frozen=True, kw_only=True):
    """An axis of numbers.

    Args:
        name: The quantity, as a column name of the table.
        label: The text along the axis.
        scale: How numbers are mapped to lengths.
    """

    name: str
    label: str
    scale: Literal["linear", "log"]


class Series(Value, frozen=True, kw_only=True):
    """One line of a chart."""

    name: str
    x: tuple[Cell, ...]
    y: tuple[Cell, ...]
    dashed: bool


class Rule(Value, frozen=True, kw_only=True):
    """A reference line across a chart, at a value of one axis."""

    axis: Literal["x", "y"]
    value: float
    label: str


class Lines(View, frozen=True, kw_only=True, tag="loadstore/lines@1"):
    """Lines over one pair of axes."""

    x: Axis
    y: Axis
    series: tuple[Series, ...]
    rules: tuple[Rule, ...]


class Column(Value, frozen=True, kw_only=True):
    """A column of a table.

    Args:
        name: Its name in the exported file.
        label: Its heading.
        kind: The type of its cells.
        digits: Decimals of its numbers.
    """

    name: str
    label: str
    kind: Literal["text", "number"]
    digits: int


class Table(View, frozen=True, kw_only=True, tag="loadstore/table@1"):
    """A table."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell | str, ...], ...]


class Bar(Value, frozen=True, kw_only=True):
    """One bar.

    Args:
        label: Its name.
        value: Its length.
        text: A text after its number.
        strong: Whether it is emphasised.
    """

    label: str
    value: Cell
    text: str
    strong: bool


class Mark(Value, frozen=True, kw_only=True):
    """A reference value of bars."""

    value: float
    label: str


class Total(Value, frozen=True, kw_only=True):
    """The sum of all rows, with its name."""

    label: str
    value: Cell


class Bars(View, frozen=True, kw_only=True, tag="loadstore/bars@1"):
    """Signed or unsigned quantities, one bar per row, and their sum.

    Args:
        label: The quantity shown.
        kind: Whether numbers may be negative.
        low: The left end of the scale.
        high: The right end of the scale.
        digits: Decimals of the numbers.
        columns: Name of the rows, name of their texts.
        total: The sum of the rows, if there is one.
    """

    label: str
    kind: Literal["signed", "unsigned"]
    low: float
    high: float
    digits: int
    columns: tuple[str, str]
    rows: tuple[Bar, ...]
    rules: tuple[Mark, ...]
    total: Total | None


def series(name: str, x: Any, y: Any, *, dashed: bool = False) -> Series:
    """One line of a chart."""
    return Series(name=name, x=_row(x), y=_row(y), dashed=dashed)


def _row(values: Any) -> tuple[Cell, ...]:
    return tuple(cell(value) for value in np.asarray(values, dtype=float))


def rule(axis: Literal["x", "y"], value: float, label: str) -> Rule:
    """A reference line."""
    return Rule(axis=axis, value=value, label=label)


def lines(
    title: str,
    x: tuple[str, str, Literal["linear", "log"]],
    y: tuple[str, str, Literal["linear", "log"]],
    lines: Sequence[Series],
    rules: Sequence[Rule] = (),
) -> Lines:
    """Lines over one pair of axes; an axis is (name, label, scale)."""
    along, up = (Axis(name=name, label=label, scale=scale) for name, label, scale in (x, y))
    return Lines(title=title, x=along, y=up, series=tuple(lines), rules=tuple(rules))


def table(title: str, columns: Sequence[tuple[str, str, int | None]], rows: Sequence[Sequence[Any]]) -> Table:
    """A table; a column is (name, label, digits), digits None for text."""
    return Table(
        title=title,
        columns=tuple(
            Column(name=name, label=label, kind="text" if digits is None else "number", digits=digits or 0)
            for name, label, digits in columns
        ),
        rows=tuple(tuple(value if isinstance(value, str) else cell(value) for value in row) for row in rows),
    )


def bars(
    title: str,
    label: str,
    columns: tuple[str, str],
    rows: Sequence[tuple[str, SupportsFloat, str]],
    *,
    kind: Literal["signed", "unsigned"] = "signed",
    low: float | None = None,
    high: float | None = None,
    digits: int = 2,
    rules: Sequence[tuple[float, str]] = (),
    total: tuple[str, SupportsFloat] | None = None,
    strong: Iterable[int] = (),
) -> Bars:
    """Horizontal bars, each with its number and a text; ``columns`` name the rows' label and text."""
    sized = [*(value for _, value, _ in rows), *([] if total is None else [total[1]])]
    finite = [float(value) for value in sized if math.isfinite(float(value))]
    marked = set(strong)
    return Bars(
        title=title,
        label=label,
        kind=kind,
        low=-round_up(-min([0.0, *finite])) if low is None else low,
        high=(round_up(max([0.0, *finite])) if high is None else high) or 1.0,
        digits=digits,
        columns=columns,
        rows=tuple(
            Bar(label=name, value=cell(value), text=text, strong=index in marked)
            for index, (name, value, text) in enumerate(rows)
        ),
        rules=tuple(Mark(value=value, label=text) for value, text in rules),
        total=None if total is None else Total(label=total[0], value=cell(total[1])),
    )
