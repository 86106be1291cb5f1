"""View models: results as versioned JSON that one bundle draws in every face.

A cell is a number, ``None`` (a wire or a pair that does not exist: hatched), or one of ``"nan" "inf" "-inf"``.
Numbers keep seven significant digits, which is what a float32 result has.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Any, Literal, SupportsFloat, TypeAlias

import msgspec
import numpy as np

from loadstore.views.scales import Transform

Cell: TypeAlias = float | str | None
View: TypeAlias = dict[str, Any]
Figure: TypeAlias = dict[str, Any]


def built(view: msgspec.Struct) -> View:
    """A typed view as JSON holds it."""
    return msgspec.to_builtins(view)


def cell(value: SupportsFloat) -> Cell:
    """One number as JSON holds it."""
    number = float(value)
    if math.isnan(number):
        return "nan"
    if math.isinf(number):
        return "inf" if number > 0 else "-inf"
    return float(f"{number:.7g}")


def cells(values: Any, exists: Any = None) -> list[list[Cell]]:
    """A matrix of cells; where ``exists`` is false the cell is None."""
    matrix = np.asarray(values, dtype=float)
    there = np.ones(matrix.shape, dtype=bool) if exists is None else np.asarray(exists, dtype=bool)
    return [
        [cell(value) if ok else None for value, ok in zip(row, known, strict=True)]
        for row, known in zip(matrix, there, strict=True)
    ]


def panel(
    title: str,
    values: Any,
    exists: Any = None,
    details: dict[str, Any] | None = None,
    outlined: Iterable[tuple[int, int]] = (),
) -> dict[str, Any]:
    """One matrix of a heatmap, with more numbers per cell for the read-out and the table."""
    return {
        "title": title,
        "values": cells(values, exists),
        "details": {name: cells(matrix, exists) for name, matrix in (details or {}).items()},
        "outlined": [[row, column] for row, column in outlined],
    }


def heatmap(
    title: str,
    rows: tuple[str, Sequence[str]],
    columns: tuple[str, Sequence[str]],
    panels: Sequence[dict[str, Any]],
    *,
    scale: tuple[Literal["sequential", "diverging"], float, float, str],
    hatched: str | None = None,
    outline: str | None = None,
    digits: int = 2,
    transform: Transform = "linear",
) -> View:
    """One or more matrices over the same rows and columns and the same colour scale."""
    kind, low, high, label = scale
    return {
        "schema": "loadstore/heatmap@1",
        "title": title,
        "rows": {"name": rows[0], "labels": list(rows[1])},
        "columns": {"name": columns[0], "labels": list(columns[1])},
        "scale": {"kind": kind, "low": low, "high": high, "label": label, "transform": transform},
        "panels": list(panels),
        "hatched": hatched,
        "outline_label": outline,
        "digits": digits,
    }


def series(name: str, x: Any, y: Any, *, dashed: bool = False) -> dict[str, Any]:
    """One line of a chart."""
    return {
        "name": name,
        "x": [cell(value) for value in np.asarray(x, dtype=float)],
        "y": [cell(value) for value in np.asarray(y, dtype=float)],
        "dashed": dashed,
    }


def rule(axis: Literal["x", "y"], value: float, label: str) -> dict[str, Any]:
    """A reference line."""
    return {"axis": axis, "value": value, "label": label}


def lines(
    title: str,
    x: tuple[str, str, Literal["linear", "log"]],
    y: tuple[str, str, Literal["linear", "log"]],
    lines: Sequence[dict[str, Any]],
    rules: Sequence[dict[str, Any]] = (),
) -> View:
    """Lines over one pair of axes; an axis is (name, label, scale)."""
    return {
        "schema": "loadstore/lines@1",
        "title": title,
        "x": dict(zip(("name", "label", "scale"), x, strict=True)),
        "y": dict(zip(("name", "label", "scale"), y, strict=True)),
        "series": list(lines),
        "rules": list(rules),
    }


def table(title: str, columns: Sequence[tuple[str, str, int | None]], rows: Sequence[Sequence[Any]]) -> View:
    """A table; a column is (name, label, digits), digits None for text."""
    return {
        "schema": "loadstore/table@1",
        "title": title,
        "columns": [
            {"name": name, "label": label, "kind": "text" if digits is None else "number", "digits": digits or 0}
            for name, label, digits in columns
        ],
        "rows": [[value if isinstance(value, str) else cell(value) for value in row] for row in rows],
    }


def round_up(value: float) -> float:
    """The next round number that is not smaller: 1, 1.5, 2, 2.5, 3, 4, 5, 6, 8 or 10 times a power of ten."""
    if value <= 0:
        return 0.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(n * power for n in (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10, 15) if n * power >= value * (1 - 1e-6))


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
) -> View:
    """Horizontal bars, each with its number and a text; ``columns`` name the rows' label and text."""
    sized = [*(value for _, value, _ in rows), *([] if total is None else [total[1]])]
    known = [float(value) for value in sized if math.isfinite(float(value))]
    marked = set(strong)
    return {
        "schema": "loadstore/bars@1",
        "title": title,
        "label": label,
        "kind": kind,
        "low": -round_up(-min([0.0, *known])) if low is None else low,
        "high": (round_up(max([0.0, *known])) if high is None else high) or 1.0,
        "digits": digits,
        "columns": list(columns),
        "rows": [
            {"label": name, "value": cell(value), "text": text, "strong": index in marked}
            for index, (name, value, text) in enumerate(rows)
        ],
        "rules": [{"value": value, "label": text} for value, text in rules],
        "total": None if total is None else {"label": total[0], "value": cell(total[1])},
    }


def remark(text: str) -> dict[str, str]:
    """Say where the article is imprecise."""
    return {"kind": "remark", "label": "Where the article is imprecise", "text": text}


def reading(text: str) -> dict[str, str]:
    """Say how a figure was made and is read."""
    return {"kind": "reading", "label": "How to read it", "text": text}


def figure(number: str, title: str, claim: str, views: Sequence[View], note: dict[str, str] | None = None) -> Figure:
    """One numbered figure: a claim computed from its numbers, the views that show them, and a remark or reading."""
    return {
        "schema": "loadstore/figure@1",
        "id": f"figure-{number.lower().replace(' ', '-')}",
        "number": number,
        "title": title,
        "claim": claim,
        "note": note,
        "views": list(views),
    }
