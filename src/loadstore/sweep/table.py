"""The comparison of models: one row each, with the headline numbers of their results, and the files that list them."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from loadstore.sweep.item import Item
from loadstore.sweep.result import Headline
from loadstore.sweep.store import RESULTS, Store
from loadstore.sweep.tiles import joined
from loadstore.sweep.work import Opened
from loadstore.visible import csv_cell


@dataclass(frozen=True, slots=True)
class Row:
    """A model and its headline numbers; those of items that failed are missing."""

    model: str
    headline: Mapping[str, Headline]


@dataclass(frozen=True, slots=True)
class Comparison:
    """All models of a sweep."""

    rows: tuple[Row, ...]

    @property
    def columns(self) -> list[str]:
        """The headlines that any model has, in the order of the plan."""
        return list(dict.fromkeys(name for row in self.rows for name in row.headline))

    def numbers(self, column: str) -> list[float]:
        """A column of numbers, NaN where a model has none; empty for a column of texts."""
        values = [row.headline.get(column, float("nan")) for row in self.rows]
        return [] if any(isinstance(value, str) for value in values) else [float(value) for value in values]


def row_of(checkpoint: Opened, store: Store) -> Row:
    """The headlines of a checkpoint's results; tiles are joined first."""
    headline: dict[str, Headline] = {}
    for _, group in groupby((item for item, _ in checkpoint.items), lambda item: item.analysis):
        results = [store.read(item.key) for item in group]
        whole = [result for result in results if result is not None]
        if len(whole) == len(results):
            headline |= joined(whole).headline
    return Row(checkpoint.name, headline)


def csv_text(comparison: Comparison) -> str:
    """The comparison as CSV."""
    columns = comparison.columns
    return _csv(
        [["model", *columns], *([row.model, *(row.headline.get(c) for c in columns)] for row in comparison.rows)]
    )


def index_text(items: Sequence[Item], reasons: Mapping[str, str], store: Store) -> str:
    """Which file has which result, as CSV; for an item that failed, the reason."""
    rows: list[list[object]] = [["model", "analysis", "layers", "file", "failed"]]
    for item in items:
        tile = "" if item.layers is None else f"{item.layers[0]} to {item.layers[1] - 1}"
        reason = reasons.get(item.key, "")
        file = "" if reason else f"{RESULTS}/{store.found(item.key)}"
        rows.append([item.name, item.analysis, tile, file, reason])
    return _csv(rows)


def _csv(rows: Sequence[Sequence[object]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(
        [csv_cell(cell) if isinstance(cell, str) else cell for cell in row] for row in rows
    )
    return text.getvalue()
