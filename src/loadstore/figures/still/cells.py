"""Matrices as a still picture: heatmaps, layer × head grids, and the patterns of many heads."""

import base64
from itertools import groupby

import numpy as np

from loadstore.figures.still.palette import STEPS, step
from loadstore.figures.still.sheet import LETTER, MARGIN, WIDTH, Block, cut, number, text
from loadstore.views.base import Cell, Scale
from loadstore.views.heatmaps import Heatmap, Panel
from loadstore.views.patterns import Patterns

LARGEST, LEAST = 22.0, 3.0  # the side of a cell
NAMED = 9.0  # minimum side of cells with names beside them
TITLE = 16.0
TALLEST = 300.0  # of a panel whose cells could be larger
STRONG = ("z4", "z5", "z6", "z7", "z8", "d0", "d1", "d7", "d8")  # colours that hide ordinary ink
HEADS = 48  # maximum patterns; the others are counted
WIDEST = 240.0  # of a pattern
ROOM = WIDTH - 2 * MARGIN
WEIGHTS = Scale(kind="sequential", low=0.0, high=1.0, label="attention; a row is a query, a column a key")


def heatmap(view: Heatmap) -> Block:
    """The panels of a heatmap, stacked or side by side, and its scale."""
    rows, columns = len(view.rows.labels), max(1, len(view.columns.labels))
    left = min(110.0, LETTER * max(map(len, view.rows.labels), default=0) + 6)
    head = min(70.0, 0.75 * LETTER * max(map(len, view.columns.labels), default=0) + 6)
    side = max(LEAST, min(LARGEST, (ROOM - left) / columns, max(NAMED + 2, TALLEST / max(1, rows))))
    side = side if columns * side * len(view.panels) <= ROOM else max(LEAST, min(side, 14.0))
    named = side >= NAMED
    wide, high = left + columns * side + 20, TITLE + (head if named else 4) + rows * side + 8
    across = max(1, int((ROOM + 20) // wide))
    marks = [text(0, 10, view.title, "name")]
    for index, panel in enumerate(view.panels):
        x, y = wide * (index % across), 16 + high * (index // across)
        top = y + TITLE + (head if named else 4)
        marks.append(text(x, y + 11, panel.title, "strong"))
        marks.append(_grid(panel.values, view.scale, x + left, top, side))
        marks += _letters(panel, view.scale, x + left, top, side)
        if named:
            marks += [
                text(x + left - 4, top + side * (row + 0.5) + 4, cut(label, left - 4), "", "end")
                for row, label in enumerate(view.rows.labels)
            ]
            marks += [
                text(x + left + side * (column + 0.6), top - 4, cut(label, 80.0), "", "start", -50)
                for column, label in enumerate(view.columns.labels)
            ]
    bottom = 16 + high * -(-len(view.panels) // across)
    marks += _scale(view.scale, bottom)
    meanings = [f"{mark}: {said}" for mark, said in view.marks or ()]
    marks += [text(0, bottom + 34 + 14 * line, words, "soft") for line, words in enumerate(meanings)]
    return Block(bottom + 36 + 14 * len(meanings), tuple(marks))


def _letters(panel: Panel, scale: Scale, x: float, y: float, side: float) -> list[str]:
    """The letters in the cells of a panel, in an ink that contrasts with the colour."""
    if panel.marks is None or side < NAMED:
        return []
    letter_marks: list[str] = []
    for row, (letters, values) in enumerate(zip(panel.marks, panel.values, strict=True)):
        for column, (letter, value) in enumerate(zip(letters, values, strict=True)):
            if letter:
                ink = "inked" if _colour(value, scale) in STRONG else ""
                letter_marks.append(text(x + side * (column + 0.5), y + side * (row + 0.5) + 4, letter, ink, "middle"))
    return letter_marks


def _grid(values: tuple[tuple[Cell, ...], ...], scale: Scale, x: float, y: float, side: float) -> str:
    """All cells of a panel in units of a cell: one path per colour, with neighbours of one colour merged."""
    paths: dict[str, list[str]] = {}
    for row, cells in enumerate(values):
        column = 0
        for kind, run in groupby(_colour(value, scale) for value in cells):
            length = len(list(run))
            paths.setdefault(kind, []).append(f"M{column} {row}h{length}v1h-{length}z")
            column += length
    drawn = "".join(f'<path class="{kind}" d="{"".join(squares)}"/>' for kind, squares in paths.items())
    return f'<g transform="translate({x:.1f} {y:.1f}) scale({side:.3f})" shape-rendering="crispEdges">{drawn}</g>'


def _colour(value: Cell, scale: Scale) -> str:
    """The class of a cell's colour; values that are not numbers have the colour of impossible cells."""
    if not isinstance(value, float | int):
        return "none"
    if scale.transform == "log":
        at = 1 + np.log10(max(value / scale.high, 1e-3)) / 3 if scale.high > 0 else 0.0
    else:
        at = (value - scale.low) / (scale.high - scale.low or 1.0)
    return f"{'d' if scale.kind == 'diverging' else 'z'}{step(float(at))}"


def _scale(scale: Scale, y: float) -> list[str]:
    """The colours of a scale, and the numbers of its ends."""
    letter = "d" if scale.kind == "diverging" else "z"
    marks = [f'<rect class="{letter}{i}" x="{18 * i}" y="{y + 6:.1f}" width="18" height="9"/>' for i in range(STEPS)]
    log = ", logarithmic" if scale.transform == "log" else ""
    words = f"{number(scale.low, 2)} to {number(scale.high, 2)}: {scale.label}{log}"
    return [*marks, text(18 * STEPS + 8, y + 15, words, "soft")]


def patterns(view: Patterns) -> Block:
    """The patterns of many heads as thumbnails, query down and key right, max-pooled to few cells."""
    n, count = len(view.tokens), len(view.heads)
    levels = np.frombuffer(base64.b64decode(view.packed), dtype=np.uint8)
    weights = np.full((count, n, n), -1)
    if view.causal:
        weights[:, np.tri(n, dtype=bool)] = levels.reshape(count, -1)
    else:
        weights[:] = levels.reshape(count, n, n)
    order = list(range(count))[:HEADS]
    across = min(len(order), 8)
    side = min(WIDEST, (ROOM - 10 * across) / max(1, across))
    bins = min(n, 32)
    marks = [text(0, 10, view.title, "name")]
    for index, head in enumerate(order):
        x, y = (side + 10) * (index % across), 18 + (side + 34) * (index // across)
        small = _pooled(weights[head], bins)
        cells = tuple(tuple(None if w < 0 else float(w) / 255 for w in row) for row in small)
        marks.append(_grid(cells, WEIGHTS, x, y, side / bins))
        marks.append(text(x, y + side + 13, view.heads[head].name, "strong"))
        marks.append(text(x, y + side + 26, cut(", ".join(view.heads[head].badges), side), "soft"))
    bottom = 18 + (side + 34) * -(-len(order) // max(1, across))
    more = [text(0, bottom + 8, f"{count - HEADS} more heads", "soft")] if count > HEADS else []
    return Block(bottom + 40, (*marks, *more, *_scale(WEIGHTS, bottom + 4 + 8 * bool(more))))


def _pooled(weights: np.ndarray, bins: int) -> np.ndarray:
    """Max-pool a pattern to ``bins`` × ``bins`` cells."""
    edges = np.linspace(0, len(weights), bins + 1).astype(int)[:-1]
    return np.maximum.reduceat(np.maximum.reduceat(weights, edges, axis=0), edges, axis=1)
