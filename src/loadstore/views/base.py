"""What every view is made of: immutable values with fields of stated types, cells, names and colour scales.

A value's fields are JSON's fields, in their order. A field with a default is left out of JSON where it has it.
``scripts/model_types.py`` writes the same types in TypeScript.
"""

import math
from collections.abc import Sequence
from typing import Any, Literal, SupportsFloat, TypeAlias, cast

import msgspec
import numpy as np

from loadstore.views.scales import Transform

Cell: TypeAlias = float | Literal["nan", "inf", "-inf"] | None
"""A number, null where the thing is impossible (hatched), or a word for what JSON cannot say."""


class Value(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A part of a view."""


class View(Value, frozen=True, kw_only=True, tag_field="schema"):
    """Something that a figure shows; ``schema`` names its kind and version in JSON.

    Args:
        title: What it shows.
    """

    title: str


class Labelled(Value, frozen=True, kw_only=True):
    """An axis of labels.

    Args:
        name: What the labels are.
        labels: One for each row or column.
    """

    name: str
    labels: tuple[str, ...]


class Scale(Value, frozen=True, kw_only=True):
    """A colour scale.

    Args:
        kind: Sequential from ``low`` up, or diverging around the middle.
        low: The lower end.
        high: The upper end.
        label: What the numbers are.
        reference: A value that the legend marks, such as chance.
        transform: Logarithmic where 95 % of the values are below a tenth of the largest; its colours begin at a
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
    """One number as JSON holds it: seven significant digits, which is what a float32 result has."""
    number = float(value)
    if math.isnan(number):
        return "nan"
    if math.isinf(number):
        return "inf" if number > 0 else "-inf"
    return float(f"{number:.7g}")


def cells(values: Any, exists: Any = None) -> tuple[tuple[Cell, ...], ...]:
    """A matrix of cells; where ``exists`` is false the cell is None."""
    matrix = np.asarray(values, dtype=float)
    there = np.ones(matrix.shape, dtype=bool) if exists is None else np.asarray(exists, dtype=bool)
    return tuple(
        tuple(cell(value) if ok else None for value, ok in zip(row, present, strict=True))
        for row, present in zip(matrix, there, strict=True)
    )


def round_up(value: float) -> float:
    """The next round number that is not smaller: 1, 1.5, 2, 2.5, 3, 4, 5, 6, 8 or 10 times a power of ten."""
    if value <= 0:
        return 0.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(n * power for n in (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10, 15) if n * power >= value * (1 - 1e-6))


def plain(value: Any) -> Any:
    """A view, or a document that holds views, as the dicts, lists, texts and numbers that its JSON reads back as."""
    return _listed(msgspec.to_builtins(value, enc_hook=_base))


def _listed(value: Any) -> Any:
    """The same with lists in the place of tuples."""
    if isinstance(value, dict):
        return {name: _listed(part) for name, part in cast(dict[str, Any], value).items()}
    return [_listed(part) for part in cast(list[Any], value)] if isinstance(value, list | tuple) else value


def _base(value: object) -> Any:
    """A number or text of a derived type, such as NumPy's float64, as what it is derived from."""
    for kind in (float, int, str):
        if isinstance(value, kind):
            return cast(Any, kind)(value)
    raise TypeError(f"a {type(value).__name__} has no place in JSON")
