"""Every wire of the model by alignment or by traffic: a figure of panels, and the wires of the graph."""

from functools import partial
from typing import TYPE_CHECKING, Any, SupportsFloat

import numpy as np
from msgspec.structs import replace

from loadstore.corpora.corpus import read_corpus
from loadstore.explorer.requests import WiresRequest
from loadstore.explorer.state import Document, Explorer
from loadstore.figures.subject import of_model
from loadstore.figures.wires.carried import INTO, carried_figure
from loadstore.figures.wires.pieces import LEVEL, readers_of
from loadstore.figures.wires.scores import scores_figure
from loadstore.figures.words import number, plural
from loadstore.model.weights import Weights
from loadstore.model.wiring import wiring
from loadstore.progress import Progress
from loadstore.scores.measures import BY_NAME, UNITS, edge_details, kind_of
from loadstore.views.heatmaps import Heatmap
from loadstore.views.layers import Layers
from loadstore.views.model import Figure
from loadstore.views.sums import switch
from loadstore.wire_traffic.loads import points_of
from loadstore.wire_traffic.moments import moments
from loadstore.wire_traffic.traffic import traffic

if TYPE_CHECKING:
    from collections.abc import Callable

    import xarray as xr

MOST = 20_000  # maximum wires sent to the graph
DIGITS = 4  # significant digits of their numbers
OTHERS = "MLPs and the unembedding"


def wires(explorer: Explorer, ask: WiresRequest) -> "Callable[[Progress], Document]":
    """Panels and the wires of the graph, by ``measure``; computed at the first request and cached."""
    make = aligned if ask.measure == "alignment" else carried
    return lambda progress: explorer.once(f"wires by {ask.measure}", partial(make, explorer.weights, progress))


def aligned(weights: Weights, progress: Progress) -> Document:
    """The alignment of each wire, from the weights; edges are drawn for wires above chance."""
    scores = of_model.scores(weights, progress)
    values = scores.alignment.values
    exist = np.isfinite(values)
    above = exist & (values > 0) & (scores.q.values <= LEVEL)
    rule = (
        f"An edge is a wire above chance: q at most {number(LEVEL)}, which is p of the exact null (a random rotation "
        f"between writer and reader) adjusted for all {plural(int(exist.sum()), 'wire')}. {int(above.sum()):,} are; "
        "wires at or below chance are not drawn."
    )
    groups = [("all readers", "", list(range(scores.sizes["reader"])))]
    graph = _graph(scores, "alignment", np.where(above, values, 0.0), groups, 1)
    graph |= {"sum": "all alignment above chance"}
    return {"measure": "alignment", "figure": _parted(scores_figure(scores)), "graph": graph | {"rule": rule}}


def carried(weights: Weights, progress: Progress) -> Document:
    """The traffic of each wire on the shipped corpus."""
    corpus = read_corpus(weights, "default")
    pieces = sum(len(part) for part in corpus.documents)
    steps = pieces + len(points_of(weights, wiring(weights).readers))
    kept = moments(weights, corpus, progress=lambda done, _: progress(done, steps))
    measured = traffic(weights, kept, progress=lambda done, _: progress(pieces + done, steps))
    kinds = [kind_of(reader) for reader in readers_of(measured)]
    groups = [(name, UNITS[part[0]], [j for j, kind in enumerate(kinds) if kind in part]) for part, name in INTO]
    rule = (
        f"An edge is a wire that carried something on {plural(int(measured.attrs['tokens']), 'token')} of "
        f"{plural(int(measured.attrs['documents']), 'document')} ({measured.attrs['corpus']} corpus). Shares are of "
        "variance, traffic squared, as standard deviations do not add up; units differ from one kind of reader to "
        "another, so each kind has a sum of its own."
    )
    load = np.nan_to_num(measured.traffic.values)
    graph = _graph(measured, "traffic", load, groups, 2)
    graph |= {"sum": "the variance that is carried"}
    return {"measure": "traffic", "figure": _parted(carried_figure(measured)), "graph": graph | {"rule": rule}}


def _parted(drawn: Figure) -> Figure:
    """Panels of heads first; the page draws panels of other readers on request."""
    sided = [view for view in drawn.views if isinstance(view, Heatmap | Layers) and view.columns.name == "head"]
    others = [view for view in drawn.views if view not in sided]
    if not sided or not others:
        return drawn
    return replace(drawn, views=(switch("Readers", "Wires into", [("heads", sided), (OTHERS, others)]),))


def _graph(
    table: "xr.Dataset",
    name: str,
    values: np.ndarray,
    groups: list[tuple[str, str, list[int]]],
    power: int,
) -> Document:
    """Wires as [writer, reader, group, value, *details], largest first; the mass of each is value^power.

    Groups have different units, so each wire is ranked by its fraction of its own group's mass.
    """
    details = edge_details(name)
    mass, part = values**power, np.zeros_like(values)
    group = np.zeros(values.shape[1], dtype=int)
    summed: list[dict[str, Any]] = []
    for title, unit, columns in groups:
        total = float(mass[:, columns].sum())
        if total > 0:
            group[columns] = len(summed)
            part[:, columns] = mass[:, columns] / total
            exist = int(np.isfinite(table[name].values[:, columns]).sum())
            count = int((mass[:, columns] > 0).sum())
            summed.append({"name": title, "unit": unit, "exist": exist, "count": count, "mass": _short(total)})
    order = np.argsort(-part, axis=None, kind="stable")[: int((part > 0).sum())]
    kept = [(int(at) // values.shape[1], int(at) % values.shape[1]) for at in order[:MOST]]
    for index, each in enumerate(summed):
        each["sent"] = sum(int(group[j]) == index for _, j in kept)
        each["held"] = _short(sum(part[i, j] for i, j in kept if group[j] == index))
    measures = [values, *(table[detail].values for detail in details)]
    return {
        "name": name,
        "power": power,
        "label": BY_NAME[name].label,
        "details": [BY_NAME[detail].label for detail in details],
        "groups": summed,
        "writers": [str(writer) for writer in table["writer"].values],
        "readers": [str(reader) for reader in table["reader"].values],
        "wires": [[i, j, int(group[j]), *(_short(each[i, j]) for each in measures)] for i, j in kept],
    }


def _short(value: SupportsFloat) -> float:
    return float(f"{float(value):.{DIGITS}g}")
