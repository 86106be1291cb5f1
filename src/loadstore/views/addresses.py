"""Soft addresses: a sentence with a bar under each token, and the array whose rows an address selects."""

from collections.abc import Sequence
from typing import Any, Literal

from loadstore.views.base import Cell, Labelled, Scale, Value, View, cell, cells, labelled, scaled

MASS = 0.7  # an address is summarised by the smallest set of tokens with this much of its weight


class AddressRow(Value, frozen=True, kw_only=True):
    """One soft address.

    Args:
        text: The address in words.
        weights: The weight of every token; null if masked.
        outlined: The smallest set of tokens that holds the view's mass.
        effective: The effective number of tokens, 2 to the power of the entropy in bits.
    """

    label: str
    text: str
    weights: tuple[Cell, ...]
    outlined: tuple[int, ...]
    effective: Cell


class Address(View, frozen=True, kw_only=True, tag="loadstore/address@1"):
    """Soft addresses over a sentence.

    Args:
        mass: The minimum weight of the outlined set.
    """

    tokens: tuple[str, ...]
    mass: float
    rows: tuple[AddressRow, ...]


class Weights(Value, frozen=True, kw_only=True):
    """The weight of every row of the array; null if the row cannot be selected."""

    label: str
    values: tuple[Cell, ...]


class Memory(View, frozen=True, kw_only=True, tag="loadstore/memory@1"):
    """The stream as an array whose rows an address selects.

    Args:
        hatched: Why some rows cannot be selected.
    """

    rows: Labelled
    columns: Labelled
    values: tuple[tuple[Cell, ...], ...]
    scale: Scale
    weights: Weights
    hatched: str | None


def address_row(label: str, text: str, weights: Any, outlined: Sequence[int], effective: float) -> AddressRow:
    """One soft address: the weight of every token, None if masked."""
    return AddressRow(
        label=label, text=text, weights=_row(weights), outlined=tuple(outlined), effective=cell(effective)
    )


def address(title: str, tokens: Sequence[str], rows: Sequence[AddressRow]) -> Address:
    """Soft addresses over a sentence, with a bar under each token and the smallest set that holds 70 % outlined."""
    return Address(title=title, tokens=tuple(tokens), mass=MASS, rows=tuple(rows))


def memory(
    title: str,
    rows: tuple[str, Sequence[str]],
    columns: tuple[str, Sequence[str]],
    values: Any,
    *,
    scale: tuple[Literal["sequential", "diverging"], float, float, str],
    weights: tuple[str, Sequence[Any]],
) -> Memory:
    """The stream as an array whose rows an address selects; a weight of None is a row that cannot be selected."""
    return Memory(
        title=title,
        rows=labelled(rows),
        columns=labelled(columns),
        values=cells(values),
        scale=scaled(scale),
        weights=Weights(label=weights[0], values=_row(weights[1])),
        hatched="later tokens cannot be selected",
    )


def _row(weights: Any) -> tuple[Cell, ...]:
    return tuple(None if weight is None else cell(weight) for weight in weights)
