"""Matrices as coloured cells: one or more panels over the same rows and columns."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from loadstore.views.base import Cell, Labelled, Scale, Value, View, cells, labelled, scaled
from loadstore.views.scales import Transform


class Panel(Value, frozen=True, kw_only=True):
    """One matrix of a heatmap.

    Args:
        details: Further numbers or words for every cell, for the read-out and the table.
        outlined: Rows and columns of the cells that are outlined.
        marks: The text in each cell in place of its number; empty in impossible cells.
    """

    title: str
    values: tuple[tuple[Cell, ...], ...]
    details: Mapping[str, tuple[tuple[Cell | str, ...], ...]]
    outlined: tuple[tuple[int, int], ...]
    marks: tuple[tuple[str, ...], ...] | None = None


class Heatmap(View, frozen=True, kw_only=True, tag="loadstore/heatmap@1"):
    """Matrices on one colour scale.

    Args:
        hatched: Why some cells are impossible.
        outline_label: The meaning of an outline.
        digits: Decimals of the numbers.
        across: Thumbnails per row, for many panels on a wide screen.
        marks: Every mark of a cell with its meaning.
    """

    rows: Labelled
    columns: Labelled
    scale: Scale
    panels: tuple[Panel, ...]
    hatched: str | None
    outline_label: str | None
    digits: int
    across: int | None = None
    marks: tuple[tuple[str, str], ...] | None = None


def panel(
    title: str,
    values: Any,
    exists: Any = None,
    details: Mapping[str, Any] | None = None,
    outlined: Iterable[tuple[int, int]] = (),
    marks: Any = None,
) -> Panel:
    """One matrix of a heatmap, with more numbers per cell for the read-out and the table, and marks in the cells."""
    return Panel(
        title=title,
        values=cells(values, exists),
        details={name: cells(matrix, exists) for name, matrix in (details or {}).items()},
        outlined=tuple((row, column) for row, column in outlined),
        marks=None if marks is None else tuple(tuple(map(str, row)) for row in marks),
    )


def heatmap(
    title: str,
    rows: tuple[str, Sequence[str]],
    columns: tuple[str, Sequence[str]],
    panels: Sequence[Panel],
    *,
    scale: tuple[Literal["sequential", "diverging"], float, float, str],
    hatched: str | None = None,
    outline: str | None = None,
    digits: int = 2,
    transform: Transform = "linear",
    marks: Sequence[tuple[str, str]] | None = None,
) -> Heatmap:
    """One or more matrices over the same rows and columns and the same colour scale."""
    return Heatmap(
        title=title,
        rows=labelled(rows),
        columns=labelled(columns),
        scale=scaled(scale, transform),
        panels=tuple(panels),
        hatched=hatched,
        outline_label=outline,
        digits=digits,
        marks=None if marks is None else tuple(marks),
    )
