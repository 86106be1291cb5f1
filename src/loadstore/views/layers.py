"""The view of tables with up to a thousand writers and readers: layers first, wires on request."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias

import numpy as np
from msgspec import UNSET, UnsetType

from loadstore.views.base import Cell, Scale, Value, View, cells, round_up, scaled
from loadstore.views.packed import Packed, bits, packed, resolution
from loadstore.views.scales import Transform

Group: TypeAlias = tuple[str, Sequence[str]]
Rank: TypeAlias = Literal["magnitude", "highest", "lowest"]
"""How wires are ranked: by magnitude, or by value upwards or downwards."""
Matrix: TypeAlias = tuple[tuple[Cell, ...], ...] | Packed
"""Plain numbers if there are few, packed if there are many."""
FEW = 20_000  # maximum cells of a panel sent as plain numbers


class Together(Value, frozen=True, kw_only=True):
    """Names of one group, such as those of one layer."""

    label: str
    members: tuple[str, ...]


class Members(Value, frozen=True, kw_only=True):
    """Names in groups, in depth order."""

    name: str
    groups: tuple[Together, ...]


class LayersPanel(Value, frozen=True, kw_only=True):
    """One matrix of wires.

    Args:
        wires: Which cells exist, as base64 bits, if the numbers are packed and not all cells exist.
        details: Further numbers for every wire.
    """

    title: str
    wires: str | UnsetType | None = UNSET
    values: Matrix
    details: Mapping[str, Matrix]


class Layers(View, frozen=True, kw_only=True, tag="loadstore/layers@1"):
    """Wires of a whole model, shown layer by layer.

    Args:
        strongest: Which wire represents a block.
        reference: A value that the scale marks, such as chance.
        digits: Decimals of the numbers.
        resolution: The precision of the numbers, if it is below seven digits.
    """

    rows: Members
    columns: Members
    scale: Scale
    panels: tuple[LayersPanel, ...]
    strongest: Rank
    note: str
    reference: float | None
    digits: int
    resolution: tuple[str, ...]


def layers_view(
    title: str,
    *,
    rows: Sequence[Group],
    columns: Sequence[Group],
    panels: Sequence[tuple[str, Any]],
    details: Mapping[str, Sequence[Any]] | None = None,
    value: str = "alignment",
    row: str = "writer",
    column: str = "reader",
    signed: bool = True,
    limits: tuple[float, float] | None = None,
    strongest: Rank = "magnitude",
    note: str = "",
    reference: float | None = None,
    transform: Transform = "linear",
) -> Layers:
    """Matrices over groups of rows and columns; a cell of the first picture is the strongest wire of its block.

    `strongest` selects that wire: the largest magnitude, the highest or the lowest value (the page can change it).
    Alignments below chance are mostly noise, so the highest value is most informative for them.

    `rows` and `columns` are (label, members) in depth order; a panel is (title, values [row member, column member]),
    NaN if there is no wire. `details` are further numbers per wire, one matrix per panel. `limits` are the ends of the
    colour scale (by default the largest number, rounded up). `reference` is a value that the scale marks, such as
    chance. Raises ValueError if the shapes do not match the members.
    """
    shape = (sum(len(members) for _, members in rows), sum(len(members) for _, members in columns))
    matrices = [(name, _matrix(values, shape, f"panel {name!r}")) for name, values in panels]
    extra = {
        name: [_matrix(values, shape, f"detail {name!r}") for values in each] for name, each in (details or {}).items()
    }
    for name, each in extra.items():
        if len(each) != len(matrices):
            raise ValueError(f"detail {name!r} has {len(each)} matrices, and there are {len(matrices)} panels")
    low, high = limits or _limits([values for _, values in matrices], signed=signed)
    return Layers(
        title=title,
        rows=_axis(row, rows),
        columns=_axis(column, columns),
        scale=scaled(("diverging" if signed else "sequential", low, high, value), transform),
        panels=tuple(
            _panel(name, values, {key: each[index] for key, each in extra.items()})
            for index, (name, values) in enumerate(matrices)
        ),
        strongest=strongest,
        note=note,
        reference=reference,
        digits=min(6, max(0, 3 - math.ceil(math.log10(max(abs(low), abs(high)) or 1.0)))),
        resolution=_kept(value, matrices, extra),
    )


def _axis(name: str, groups: Sequence[Group]) -> Members:
    return Members(name=name, groups=tuple(Together(label=label, members=tuple(members)) for label, members in groups))


def _matrix(values: Any, shape: tuple[int, int], what: str) -> np.ndarray:
    matrix = np.asarray(values, dtype=float)
    if matrix.shape != shape:
        sizes = [" × ".join(map(str, size)) for size in (matrix.shape, shape)]
        raise ValueError(f"{what} is {sizes[0]}, and its members make {sizes[1]}")
    return matrix


def _limits(matrices: Sequence[np.ndarray], *, signed: bool) -> tuple[float, float]:
    """Ends of the scale: round numbers around all finite values, with zero in the middle of a signed one."""
    most = max((float(np.abs(v[np.isfinite(v)]).max(initial=0.0)) for v in matrices), default=0.0)
    high = round_up(most) or 1.0
    return (-high if signed else 0.0), high


def _panel(title: str, values: np.ndarray, details: Mapping[str, np.ndarray]) -> LayersPanel:
    """One matrix and its details: plain numbers if there are few, packed if there are many."""
    exists = ~np.isnan(values)
    if values.size <= FEW:
        kept = {name: cells(matrix, exists) for name, matrix in details.items()}
        return LayersPanel(title=title, values=cells(values, exists), details=kept)
    return LayersPanel(
        title=title,
        wires=bits(exists),
        values=packed(values[exists]),
        details={name: packed(matrix[exists]) for name, matrix in details.items()},
    )


def _kept(
    value: str, matrices: Sequence[tuple[str, np.ndarray]], extra: Mapping[str, Sequence[np.ndarray]]
) -> tuple[str, ...]:
    """The precision of the numbers: the end of a sentence for each quantity kept to fewer than seven digits."""
    if not matrices or matrices[0][1].size <= FEW:
        return ()
    masks = [~np.isnan(values) for _, values in matrices]
    named = {value: [values for _, values in matrices], **extra}
    return tuple(
        f"{name} to {kept}"
        for name, each in named.items()
        for kept in dict.fromkeys(resolution(v[mask]) for v, mask in zip(each, masks, strict=True))
        if kept
    )
