"""Subspace scores as panels over writers and heads."""

from typing import TYPE_CHECKING

import numpy as np

from loadstore.figures.wires.pieces import grouped, readers_of
from loadstore.figures.words import number
from loadstore.scores.measures import present
from loadstore.sites import SIDES
from loadstore.views.heatmaps import Panel
from loadstore.views.layers import layers_view
from loadstore.views.model import Figure, View, figure, heatmap, panel, reading

if TYPE_CHECKING:
    import xarray as xr

MANY = 200  # maximum heads drawn one by one; more are drawn by layers


def scores_figure(scores: "xr.Dataset", rows: str = "writer") -> Figure:
    """Q, K and V as panels over writers and heads, coloured by alignment, and a panel for the unembedding.

    ``rows``: the name of the rows, if they are parts of one writer.
    """
    scores = scores.isel(writer=np.isfinite(scores.alignment.values).any(1)) if _any(scores) else scores
    writers = [str(w) for w in scores["writer"].values]
    readers = [str(r) for r in scores["reader"].values]
    of_heads = [reader for reader in readers_of(scores) if reader.side in SIDES]
    heads = list(dict.fromkeys(str(reader.head) for reader in of_heads))
    views: list[View] = []
    scale = ("diverging", -1.0, 1.0, "alignment")
    hatched = "this wire does not exist, or its writer stores nothing"
    sides = [side for side in SIDES if any(reader.side == side for reader in of_heads)]
    if sides:
        sided = scores.sel(reader=list(map(str, of_heads)))
        sided = sided.isel(writer=np.isfinite(sided.alignment.values).any(1)) if _any(sided) else sided
        reach = [str(w) for w in sided["writer"].values]
        if len(heads) > MANY and rows == "writer":
            columns = [(s, [f"{head}.{s}" for head in heads]) for s in sides]
            views.append(_by_layers("Alignment", sided, reach, ("head", grouped(heads)), columns))
        else:
            panels = [_panel(sided, s, [f"{head}.{s}" for head in heads]) for s in sides]
            views.append(heatmap("Alignment", (rows, reach), ("head", heads), panels, scale=scale, hatched=hatched))
    others = [str(reader) for reader in readers_of(scores) if reader.side not in SIDES]
    if others and len(heads) > MANY and rows == "writer":
        axis = ("reader", [(reader, [reader]) for reader in others])
        views.append(_by_layers("Others", scores, writers, axis, [("", others)]))
    elif others:
        panels = [_panel(scores, "", others)]
        views.append(heatmap("Others", (rows, writers), ("reader", others), panels, scale=scale, hatched=hatched))
    values = scores.alignment.values
    if _any(scores):
        i, j = np.unravel_index(int(np.nanargmax(values)), values.shape)
        claim = (
            f"The best aligned of {int(np.isfinite(values).sum()):,} wires is {writers[i]} → {readers[j]}: alignment "
            f"{number(float(values[i, j]))}, z {number(float(scores.z.values[i, j]), 0)}."
        )
    else:
        claim = "None of these wires exists."
    return figure("Scores", "Subspace scores", claim, views, reading(str(scores.attrs.get("definition", ""))))


def _any(scores: "xr.Dataset") -> bool:
    return bool(np.isfinite(scores.alignment.values).any())


def _details(scores: "xr.Dataset") -> list[str]:
    """The measures listed beside the alignment; ``carried`` is a share that channels have."""
    named = [str(name) for name in scores.data_vars]
    return [name for name in (*present(named), *({"carried"} & set(named))) if name != "alignment"]


def _panel(scores: "xr.Dataset", title: str, readers: list[str]) -> Panel:
    side = scores.reindex(reader=readers)
    details = {name: side[name].values for name in _details(side)}
    exists = np.isfinite((side.chance if "chance" in side else side.alignment).values)
    return panel(title, side.alignment.values, exists, details)


def _by_layers(
    title: str,
    scores: "xr.Dataset",
    writers: list[str],
    columns: tuple[str, list[tuple[str, list[str]]]],
    panels: list[tuple[str, list[str]]],
) -> View:
    """The same in blocks of layers: the best aligned wire of each, and all its wires on request."""

    def tables(name: str) -> list[np.ndarray]:
        return [scores[name].reindex(reader=readers).values for _, readers in panels]

    return layers_view(
        title,
        rows=grouped(writers),
        columns=columns[1],
        panels=[(name, values) for (name, _), values in zip(panels, tables("alignment"), strict=True)],
        details={name: tables(name) for name in _details(scores)},
        column=columns[0],
        limits=(-1.0, 1.0),
        strongest="highest",
        reference=0.0,
    )
