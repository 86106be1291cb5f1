"""A dot plot as a still picture: one number per row, with its interval and the numbers to compare."""

from loadstore.figures.still.sheet import LETTER, MARGIN, WIDTH, Block, cut, more, number, text
from loadstore.views.base import Cell
from loadstore.views.dots import Dots

SHOWN = 24  # maximum rows; the others are counted
PITCH = 18.0
TOP = 36.0


def dots(view: Dots) -> Block:
    """The rows of a dot plot above their axis."""
    rows = view.rows[:SHOWN]
    left = min(280.0, LETTER * max((len(row.label) for row in rows), default=0) + 14)
    right = WIDTH - 2 * MARGIN - 70
    bottom = TOP + PITCH * len(rows)
    span = view.high - view.low or 1.0

    def at(value: Cell) -> float | None:
        if not isinstance(value, float | int):
            return None
        return left + (min(view.high, max(view.low, value)) - view.low) / span * (right - left)

    marks = [text(0, 10, view.title, "name")]
    for value, label in view.rules:
        x = at(value) or left
        marks.append(f'<path class="rule" d="M{x:.1f} {TOP - 6}V{bottom:.1f}"/>')
        marks.append(text(x, TOP - 10, label, "soft", "end" if x > WIDTH / 2 else "start"))
    for index, row in enumerate(rows):
        y = TOP + PITCH * (index + 0.5)
        kind = "strong" if row.strong else ""
        marks.append(text(left - 10, y + 4, cut(row.label, left - 12), kind, "end"))
        marks += [f'<path class="axis" d="M{x:.1f} {y - 6:.1f}v12"/>' for x in map(at, row.others) if x is not None]
        if row.interval is not None:
            ends = [at(end) for end in row.interval]
            if ends[0] is not None and ends[1] is not None:
                marks.append(f'<path class="c0" stroke-width="3" d="M{ends[0]:.1f} {y:.1f}H{ends[1]:.1f}"/>')
        if (x := at(row.value)) is not None:
            marks.append(f'<circle class="f0" cx="{x:.1f}" cy="{y:.1f}" r="{5 if row.strong else 4}"/>')
        marks.append(text(WIDTH - 2 * MARGIN, y + 4, number(row.value, view.digits), kind, "end"))
    marks.append(f'<path class="axis" d="M{left:.1f} {bottom:.1f}H{right:.1f}"/>')
    marks.append(text(left, bottom + 14, number(view.low, 2), "soft"))
    marks.append(text(right, bottom + 14, number(view.high, 2), "soft", "end"))
    marks.append(text((left + right) / 2, bottom + 14, view.label, "soft", "middle"))
    rest = [text(0, bottom + 30, more(len(view.rows) - SHOWN), "soft")] if len(view.rows) > SHOWN else []
    return Block(bottom + (34 if rest else 20), (*marks, *rest))
