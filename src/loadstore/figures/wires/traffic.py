"""Traffic of wires on text compared with alignment, and all three kinds of evidence for the main head's wires."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from loadstore.errors import Undefined
from loadstore.figures.left_out import LeftOut
from loadstore.figures.subject.story import Story
from loadstore.figures.wires.evidence import evidence_figure
from loadstore.figures.wires.pieces import grouped, largest, readers_of
from loadstore.figures.words import listed, number, plural
from loadstore.scores.measures import UNITS, details_of
from loadstore.sites import SIDES, Head, Side
from loadstore.views.layers import layers_view
from loadstore.views.model import Figure, View, figure, heatmap, panel, reading
from loadstore.views.scales import Transform, transform_of
from loadstore.views.sums import switch

if TYPE_CHECKING:
    import xarray as xr

FEW = 60  # maximum writers or heads shown one by one; more are shown by layers
QK: tuple[Side, ...] = ("Q", "K")
CARRIED = "Weights show what a wire could carry; text shows what it does carry."
TITLE = "What wires carry on text"
ABOUT = ("What is carried", "the traffic of wires on text, and all three kinds of evidence for those of one head")


def traffic_figures(story: Story, heads: Sequence[Head]) -> list[Figure | LeftOut]:
    """Traffic of every wire into the given heads, and the evidence for those of the question's main head."""
    try:
        return [_map(story, [str(head) for head in heads]), evidence_figure(story, story.main)]
    except Undefined as reason:
        return [LeftOut("Traffic", TITLE, f"Traffic was not measured: {reason}.")]


def _map(story: Story, heads: list[str]) -> Figure:
    loads = story.loads([f"{head}.*" for head in heads])
    names = [str(writer) for writer in loads["writer"].values]
    writers = [w for w in names if np.isfinite(loads.traffic.sel(writer=w).values).any()]
    loads = loads.sel(writer=writers)
    scores = story.scores.sel(writer=writers, reader=loads["reader"].values)
    wide = len(writers) > FEW
    draw = _layers if wide else _heatmap
    choices: list[tuple[str, list[View]]] = [
        (
            "traffic: what is carried",
            [
                draw("Traffic into Q and K, nats", loads, "traffic", QK, heads, details_of("traffic")),
                draw("Traffic into V, units of the stream", loads, "traffic", ("V",), heads, details_of("traffic")),
            ],
        ),
        (
            "share of what is loaded",
            [draw("Share of the variance of what is loaded", loads, "share", SIDES, heads, details_of("share"))],
        ),
        (
            "alignment: what could be carried",
            [draw("Alignment", scores, "alignment", SIDES, heads, details_of("alignment"))],
        ),
    ]
    return figure(
        "Traffic",
        TITLE,
        _claim(loads, scores, story),
        [switch("What wires carry", "Colour by", choices)],
        reading(
            "Traffic is how much a writer moves what a reader does: on Q and K the standard deviation, in nats, of the "
            "change of a query's scores that softmax can see; on V the size of what is loaded from one token, in the "
            "head's output. Factorised: the writer is taken to vary apart from what it meets on the other side."
        ),
    )


def traffic_views(table: "xr.Dataset", heads: list[str]) -> list[View]:
    """Traffic into the sides of heads, grouped by unit; sides that were not requested are left out."""
    names, details = {str(reader) for reader in table["reader"].values}, details_of("traffic")
    units: tuple[tuple[tuple[Side, ...], str], ...] = ((QK, UNITS["Q"]), (("V",), UNITS["V"]))
    views: list[View] = []
    for sides, unit in units:
        present = [side for side in sides if any(f"{head}.{side}" in names for head in heads)]
        if present:
            title = f"Traffic into {listed(present)}, {unit}"
            views.append(_drawn(table)(title, table, "traffic", present, heads, details))
    return views


def _drawn(table: "xr.Dataset") -> Callable[..., View]:
    """The view for this number of writers: one by one, or by layers."""
    return _layers if table.sizes["writer"] > FEW else _heatmap


def _claim(table: "xr.Dataset", scores: "xr.Dataset", story: Story) -> str:
    claims: list[str] = []
    for side in SIDES:
        readers = [str(reader) for reader in readers_of(table) if reader.side == side]
        load = table.traffic.sel(reader=readers).values
        if np.isfinite(load).any():
            i, j = np.unravel_index(int(np.nanargmax(load)), load.shape)
            unit = "" if side == "V" else " nats"
            claims.append(f"{table['writer'].values[i]} → {readers[j]} ({number(float(load[i, j]))}{unit})")
    readers = [str(reader) for reader in readers_of(table) if reader.side in QK]
    load, aligned = table.traffic.sel(reader=readers).values, scores.alignment.sel(reader=readers).values
    both = np.isfinite(load) & np.isfinite(aligned)
    text = "the shipped corpus" if table.attrs["corpus"] == "default" else "the prompt"
    on = f"{plural(int(table.attrs['tokens']), 'token')} of {text}"
    rank = ""
    if both.sum() > 2 and np.ptp(load[both]) > 0 and np.ptp(aligned[both]) > 0:
        agree = number(float(np.corrcoef(_ranks(load[both]), _ranks(aligned[both]))[0, 1]))
        rank = (
            f" Over {plural(int(both.sum()), 'wire')} into Q and K the rank correlation of what is carried (traffic) "
            f"with what could be (alignment) is {agree}."
        )
    return f"On {on} most is carried by {listed(claims) if claims else 'nothing'}.{rank}"


def _ranks(values: np.ndarray) -> np.ndarray:
    """The rank of every value, from the smallest; ties share the mean of their ranks."""
    _, which, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (counts.cumsum() - (counts - 1) / 2)[which]


def _table(table: "xr.Dataset", name: str, side: Side, heads: Sequence[str]) -> np.ndarray:
    return table[name].reindex(reader=[f"{head}.{side}" for head in heads]).values


def _heatmap(
    title: str, table: "xr.Dataset", name: str, sides: Sequence[Side], heads: list[str], details: Sequence[str]
) -> View:
    values = [_table(table, name, side, heads) for side in sides]
    panels = [
        panel(side, v, np.isfinite(v), {more: _table(table, more, side, heads) for more in details})
        for side, v in zip(sides, values, strict=True)
    ]
    signed = name != "traffic"
    top = 1.0 if name == "alignment" else largest(np.abs(np.stack(values)))
    return heatmap(
        title,
        ("writer", [str(w) for w in table["writer"].values]),
        ("head", heads),
        panels,
        scale=("diverging", -top, top, name) if signed else ("sequential", 0.0, top, name),
        hatched="this wire does not exist, or its writer stores nothing",
        transform=_transform(name, values),
    )


def _transform(name: str, values: Sequence[np.ndarray]) -> Transform:
    """The mapping of numbers to colours; alignments have fixed ends, so that figures remain comparable."""
    return "linear" if name == "alignment" else transform_of(values)


def _layers(
    title: str, table: "xr.Dataset", name: str, sides: Sequence[Side], heads: list[str], details: Sequence[str]
) -> View:
    values = [_table(table, name, side, heads) for side in sides]
    return layers_view(
        title,
        rows=grouped([str(w) for w in table["writer"].values]),
        columns=grouped(heads) if len(heads) > FEW else [(head, [head]) for head in heads],
        panels=list(zip(sides, values, strict=True)),
        details={more: [_table(table, more, side, heads) for side in sides] for more in details},
        column="head",
        value=name,
        signed=name != "traffic",
        limits=(-1.0, 1.0) if name == "alignment" else None,
        strongest="highest",
        reference=0.0 if name == "alignment" else None,
        transform=_transform(name, values),
    )
