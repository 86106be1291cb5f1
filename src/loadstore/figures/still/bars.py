"""Bars as a still picture, one row each: signed or unsigned numbers, and the steps of a sum."""

from dataclasses import dataclass

from loadstore.figures.still.palette import step
from loadstore.figures.still.sheet import LETTER, MARGIN, WIDTH, Block, cut, more, number, text
from loadstore.views.base import Cell
from loadstore.views.charts import Bars
from loadstore.views.sums import Waterfall

SHOWN = 24  # maximum rows; the others are counted
PITCH = 17.0
TOP = 20.0


@dataclass(frozen=True, slots=True)
class Row:
    """A bar: its start, its length, and its texts."""

    name: str
    start: float
    value: Cell
    said: str
    strong: bool


def bars(view: Bars) -> Block:
    """The rows of a bar chart from zero, its sum last."""
    rows = [Row(row.label, 0.0, row.value, row.text, row.strong) for row in view.rows]
    total = [] if view.total is None else [Row(view.total.label, 0.0, view.total.value, "", strong=True)]
    words = f"{view.title}: {view.label}"
    return _rows(words, rows, total, (view.low, view.high), view.digits, signed=view.kind == "signed")


def waterfall(view: Waterfall) -> Block:
    """The steps of a sum, each starting at the end of the one before, and the total."""
    rows: list[Row] = []
    reached = 0.0
    for row in view.rows:
        rows.append(Row(row.label, reached, row.value, row.text, strong=False))
        reached += row.value if isinstance(row.value, float | int) else 0.0
    total = [Row(view.total.label, 0.0, view.total.value, "", strong=True)]
    return _rows(f"{view.title}: {view.label}", rows, total, (view.low, view.high), view.digits, signed=True)


def _rows(
    title: str, rows: list[Row], total: list[Row], ends: tuple[float, float], digits: int, *, signed: bool
) -> Block:
    shown = [*rows[:SHOWN], *total]
    left = min(200.0, LETTER * max((len(row.name) for row in shown), default=0) + 10)
    right = 420.0
    low, high = min(0.0, ends[0]), max(0.0, ends[1])
    span = high - low or 1.0
    largest = max((abs(row.value) for row in rows if isinstance(row.value, float | int)), default=0.0) or 1.0

    def at(value: float) -> float:
        return left + (min(high, max(low, value)) - low) / span * (right - left)

    marks = [text(0, 10, cut(title, WIDTH), "name")]
    for index, row in enumerate(shown):
        y, value = TOP + PITCH * index, row.value
        kind = "strong" if row.strong else ""
        marks.append(text(0, y + 12, cut(row.name, left - 8), kind))
        if isinstance(value, float | int):
            ends_at = sorted((at(row.start), at(row.start + value)))
            share = value / largest
            colour = f"d{step(0.5 + share / 2)}" if signed else f"z{step(share)}"
            marks.append(
                f'<rect class="{colour}" x="{ends_at[0]:.1f}" y="{y + 3:.1f}" '
                f'width="{max(1.0, ends_at[1] - ends_at[0]):.1f}" height="11" stroke="currentColor" '
                'stroke-opacity=".4"/>'
            )
        marks.append(text(right + 74, y + 12, number(value, digits), kind, "end"))
        marks.append(text(right + 84, y + 12, cut(row.said, WIDTH - 2 * MARGIN - right - 84), "soft"))
    bottom = TOP + PITCH * len(shown)
    marks.append(f'<path class="axis" d="M{at(0.0):.1f} {TOP}V{bottom:.1f}"/>')
    if len(rows) > SHOWN:
        bottom += PITCH
        marks.append(text(0, bottom - 4, more(len(rows) - SHOWN), "soft"))
    return Block(bottom + 6, tuple(marks))
