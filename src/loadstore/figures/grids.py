"""Sorted rows with the remainder in one line, and the grid of layers × heads if every head has a number."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from loadstore.errors import LoadstoreError
from loadstore.figures.words import plural
from loadstore.sites import parse_head
from loadstore.views.base import round_up
from loadstore.views.heatmaps import Heatmap, heatmap, panel

TOP = 24  # rows shown


@dataclass(frozen=True)
class Ranked:
    """The largest rows, and the rest for a summary line.

    Args:
        rows: Indices of the rows shown, largest magnitude first.
        rest: Indices of the others.
    """

    rows: tuple[int, ...]
    rest: tuple[int, ...]

    @property
    def others(self) -> str:
        """The others as a label: ``278 others``."""
        return plural(len(self.rest), "other")


def ranked(values: Sequence[float] | np.ndarray, top: int = TOP) -> Ranked:
    """The ``top`` largest magnitudes in order; a single other is shown too, since its line takes as much room."""
    sizes = np.nan_to_num(np.abs(np.asarray(values, dtype=float)))
    order = [int(i) for i in np.argsort(-sizes, kind="stable")]
    shown = len(order) if len(order) <= top + 1 else top
    return Ranked(tuple(order[:shown]), tuple(sorted(order[shown:])))


def head_grid(title: str, label: str, values: Mapping[str, float], *, signed: bool = True) -> Heatmap | None:
    """One number per head as layers × heads; None unless there are two or more heads and each has one.

    Args:
        title: What the grid shows.
        label: The numbers, with their unit.
        values: Numbers by the name of the head; other names are ignored.
        signed: Whether colours are centred on zero.
    """
    heads = {cell: value for name, value in values.items() if (cell := _place(name)) is not None}
    if len(heads) < 2:
        return None
    layers, across = sorted({layer for layer, _ in heads}), 1 + max(index for _, index in heads)
    if len(heads) < len(layers) * across:
        return None
    cells = np.array([[heads[layer, index] for index in range(across)] for layer in layers])
    top = round_up(float(np.nanmax(np.abs(cells)))) if np.isfinite(cells).any() else 0.0
    return heatmap(
        title,
        ("layer", [f"L{layer}" for layer in layers]),
        ("head", [f"H{index}" for index in range(across)]),
        [panel("", cells)],
        scale=("diverging", -top or -1.0, top or 1.0, label) if signed else ("sequential", 0.0, top or 1.0, label),
    )


def _place(name: str) -> tuple[int, int] | None:
    """Layer and index of a head's name; None for other names."""
    try:
        head = parse_head(name)
    except LoadstoreError:
        return None
    return head.layer, head.index
