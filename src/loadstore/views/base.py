"""The parts of every view: immutable values with typed fields, cells, names and colour scales.

A value's fields are the fields of its JSON, in order. A field equal to its default is omitted from JSON.
``scripts/model_types.py`` writes the same types in TypeScript.
"""

import math
from collections.abc import Sequence
from typing import Any, Literal, SupportsFloat, TypeAlias, cast

import msgspec
import numpy as np

from loadstore.views.scales import Transform

Cell: TypeAlias = float | Literal["nan", "inf", "-inf"] | None
"""A number, null for an impossible (hatched) cell, or a word for a value that JSON cannot represent."""


class Value(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A part of a view."""


class View(Value, frozen=True, kw_only=True, tag_field="schema"):
    """A view in a figure; ``schema`` names its kind and version in JSON.

    Args:
        title: Its title.
    """

    title: str


class Labelled(Value, frozen=True, kw_only=True):
    """An axis of labels.

    Args:
        name: The name of the axis.
        labels: One label for each row or column.
    """

    name: str
    labels: tuple[str, ...]


class Scale(Value, frozen=True, kw_only=True):
    """A colour scale.

    Args:
        kind: Sequential from ``low`` up, or diverging around the middle.
        low: The lower end.
        high: The upper end.
        label: The quantity shown.
        reference: A value that the legend marks, such as chance.
        transform: Logarithmic if 95 % of the values are below a tenth of the largest; its colours begin at a
            thousandth of ``high``.
    """

    kind: Literal["sequential", "diverging"]
    low: float
    high: float
    label: str
    reference: float | None = None
    transform: Transform = "linear"


def labelled(axis: tuple[str, Sequence[str]]) -> Labelled:
    """An axis from its name and labels."""
    return Labelled(name=axis[0], labels=tuple(axis[1]))


def scaled(
    scale: tuple[Literal["sequential", "diverging"], float, float, str], transform: Transform = "linear"
) -> Scale:
    """A colour scale from its kind, ends and label."""
    kind, low, high, label = scale
    return Scale(kind=kind, low=low, high=high, label=label, transform=transform)


def cell(value: SupportsFloat) -> Cell:
    """One number in JSON, with seven significant digits, the precision of a float32 result."""
    number = float(value)
    if math.isnan(number):
        return "nan"
    if math.isinf(number):
        return "inf" if number > 0 else "-inf"
    return float(f"{number:.7g}")


def cells(values: Any, exists: Any = None) -> tuple[tuple[Cell, ...], ...]:
    """A matrix of cells; a cell is None if ``exists`` is false."""
    matrix = np.asarray(values, dtype=float)
    there = np.ones(matrix.shape, dtype=bool) if exists is None else np.asarray(exists, dtype=bool)
    return tuple(
        tuple(cell(value) if ok else None for value, ok in zip(row, present, strict=True))
        for row, present in zip(matrix, there, strict=True)
    )


def round_up(value: float) -> float:
    """Round up to 1, 1.5, 2, 2.5, 3, 4, 5, 6, 8 or 10 times a power of ten."""
    if value <= 0:
        return 0.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(n * power for n in (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10, 15) if n * power >= value * (1 - 1e-6))


def plain(value: Any) -> Any:
    """Convert a view, or a document with views, to the dicts, lists, texts and numbers of its parsed JSON."""
    return _listed(msgspec.to_builtins(value, enc_hook=_base))


def _listed(value: Any) -> Any:
    """The same with tuples replaced by lists."""
    if isinstance(value, dict):
        return {name: _listed(part) for name, part in cast(dict[str, Any], value).items()}
    return [_listed(part) for part in cast(list[Any], value)] if isinstance(value, list | tuple) else value


def _base(value: object) -> Any:
    """Convert a number or text of a derived type, such as NumPy's float64, to its base type."""
    for kind in (float, int, str):
        if isinstance(value, kind):
            return cast(Any, kind)(value)
    raise TypeError(f"a {type(value).__name__} has no place in JSON")
