"""Shared parts of the figures about wires: panels of scores with their null, and the numbers of a wire in words."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from loadstore.figures.words import number
from loadstore.scores.measures import DETAILS
from loadstore.sites import Head, Reader, Side, parse_reader, parse_writer
from loadstore.views.heatmaps import Panel, panel

if TYPE_CHECKING:
    import xarray as xr

LEVEL = 0.01
OUTLINE = f"p < {LEVEL:g} after Bonferroni, above chance"


def readers_of(table: "xr.Dataset") -> list[Reader]:
    """The readers of a table of wires, in its order."""
    return [parse_reader(str(name)) for name in table["reader"].values]


def layer_heads(scores: "xr.Dataset", layer: int) -> list[str]:
    """Names of the heads of one layer, in order."""
    return [str(reader.head) for reader in readers_of(scores) if reader.side == "Q" and reader.layer == layer]


def side_table(scores: "xr.Dataset", writers: Sequence[str], heads: Sequence[str], side: Side, name: str) -> np.ndarray:
    """One measure [writer, head] of one side; NaN if the wire does not exist."""
    readers = [f"{head}.{side}" for head in heads]
    return scores[name].sel(writer=list(writers), reader=readers).values


def side_panel(
    scores: "xr.Dataset", writers: Sequence[str], heads: Sequence[str], side: Side, measure: str = "alignment"
) -> Panel:
    """Draw a panel of one side, coloured by ``measure``; other numbers are details, significant cells outlined."""
    exists = ~np.isnan(side_table(scores, writers, heads, side, "chance"))
    p = side_table(scores, writers, heads, side, "p")
    significant = exists & (p < LEVEL / max(1, int(exists.sum())))
    return panel(
        side,
        side_table(scores, writers, heads, side, measure),
        exists,
        {name: side_table(scores, writers, heads, side, name) for name in DETAILS if name != measure},
        [(int(row), int(column)) for row, column in np.argwhere(significant)],
    )


def wire(scores: "xr.Dataset", writer: str, head: Head, side: Side, measure: str = "alignment") -> float:
    """One number of one wire."""
    return float(scores[measure].sel(writer=writer, reader=f"{head}.{side}"))


def most_aligned(scores: "xr.Dataset", head: Head, side: Side) -> str | None:
    """The writer best aligned with one side of a head, if it is above chance at the level; otherwise None."""
    column = scores.sel(reader=f"{head}.{side}").dropna("writer", subset=["alignment"])
    if not column.sizes["writer"]:
        return None
    best = column.isel(writer=int(column.alignment.values.argmax()))
    above = float(best.alignment) > 0 and float(best.p) < LEVEL / column.sizes["writer"]
    return str(best["writer"].values) if above else None


def reads(scores: "xr.Dataset", head: Head, side: Side) -> str:
    """The best aligned writer of one side of a head, in words: ``K: L0.H7 (alignment .50, z 137)``."""
    best = most_aligned(scores, head, side)
    if best is None:
        return f"{side}: nothing above chance"
    alignment, z = (wire(scores, best, head, side, name) for name in ("alignment", "z"))
    return f"{side}: {best} (alignment {number(alignment)}, z {number(z, 0)})"


def largest(values: np.ndarray) -> float:
    """The upper end of a sequential scale: the largest finite value, rounded up to two digits."""
    finite = values[np.isfinite(values)]
    top = float(finite.max()) if len(finite) else 1.0
    return float(f"{top * 1.05:.2g}") if top > 0 else 1.0


def grouped(names: list[str]) -> list[tuple[str, list[str]]]:
    """Writers by layer: embed and pos alone; a layer's heads, bias and MLP together."""
    groups: dict[str, list[str]] = {}
    for name in names:
        writer = parse_writer(name)
        groups.setdefault(name if writer.layer < 0 else f"L{writer.layer}", []).append(name)
    return list(groups.items())
