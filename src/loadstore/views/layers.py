"""The view of tables of up to a thousand writers by a thousand readers: layers first, wires on request."""

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
"""By what wires are compared: their size whatever its sign, or their value upwards or downwards."""
Matrix: TypeAlias = tuple[tuple[Cell, ...], ...] | Packed
"""Numbers as they are where they are few, packed where they are many."""
FEW = 20_000  # cells of a panel that travel as plain numbers


class Together(Value, frozen=True, kw_only=True):
    """Names that stand together, such as those of one layer."""

    label: str
    members: tuple[str, ...]


class Members(Value, frozen=True, kw_only=True):
    """Names in groups, in depth order."""

    name: str
    groups: tuple[Together, ...]


class LayersPanel(Value, frozen=True, kw_only=True):
    """One matrix of wires.

    Args:
        wires: Which cells exist, a bit each in base64, where the numbers are packed and not all cells exist.
        details: More numbers of every wire.
    """

    title: str
    wires: str | UnsetType | None = UNSET
    values: Matrix
    details: Mapping[str, Matrix]


class Layers(View, frozen=True, kw_only=True, tag="loadstore/layers@1"):
    """Wires of a whole model, shown layer by layer.

    Args:
        strongest: Which wire stands for a block of them.
        reference: A value that the scale marks, such as chance.
        digits: Of the numbers, after the point.
        resolution: How finely numbers are kept, where it is not to seven digits.
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

    `strongest` says which that is: the largest whatever its sign, the highest or the lowest (a reader of the page can
    change it); alignments below chance are mostly noise, so that for these the highest says more.

    `rows` and `columns` are (label, members) in depth order; a panel is (title, values [row member, column member]),
    NaN where there is no wire. `details` are more numbers per wire, a matrix a panel. `limits` are the ends of the
    colour scale (by default the largest number, rounded up), `reference` a value that the scale marks, such as chance.
    Raises ValueError where the shapes do not agree with the members.
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
    """Ends of the scale: round numbers around all that is finite, zero in the middle of a signed one."""
    most = max((float(np.abs(v[np.isfinite(v)]).max(initial=0.0)) for v in matrices), default=0.0)
    high = round_up(most) or 1.0
    return (-high if signed else 0.0), high


def _panel(title: str, values: np.ndarray, details: Mapping[str, np.ndarray]) -> LayersPanel:
    """One matrix and its details: numbers where they are few, packed where they are many."""
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
    """How finely numbers are kept, one sentence's end for each that is not kept to seven digits."""
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
