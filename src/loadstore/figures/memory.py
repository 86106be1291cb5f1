"""The memory map, lifetimes and reach as figures: strips of overlap and of ρ over depth, and curves over distance."""

from typing import Any

import numpy as np

from loadstore.decomposition.short import short
from loadstore.memory.lifetimes_value import Lifetimes
from loadstore.memory.map_text import direction, heading, loads, overwriting
from loadstore.memory.memory_map import MemoryMap
from loadstore.memory.reach_value import Reach, layers
from loadstore.views.base import round_up
from loadstore.views.charts import lines, series, table
from loadstore.views.figures import Figure, figure
from loadstore.views.heatmaps import heatmap, panel

ROWS = 60  # of a picture; all are in the value
COLUMNS = (
    ("region", "region", None),
    ("rank", "rank", 0),
    ("power", "power", 2),
    ("share", "share", 2),
    ("overwritten", "overwritten by", None),
    ("loaded", "loaded by", None),
    ("direction", "strongest direction", None),
)


def map_figure(memory: MemoryMap) -> Figure:
    """Every region as a row of a table, and how much the regions with the most power overlap later ones."""
    regions = memory.to_dict(2)["regions"]
    rows = [
        [*(r[name] for name in ("writer", "rank", "power", "share")), overwriting(r), loads(r), direction(r)]
        for r in regions
    ]
    order = np.argsort([-np.nan_to_num(region.power) for region in memory.regions], kind="stable")[:ROWS]
    places = sorted(int(index) for index in order)
    names = [memory.regions[index].writer for index in places]
    columns = [memory.others.index(name) for name in names]
    overlap, exists = memory.overlaps.overlap.numpy()[places][:, columns], memory.follows[places][:, columns]
    view = heatmap(
        "Overlap with later regions",
        ("region", names),
        ("later writer", names),
        [panel("", overlap, exists, {"chance": memory.overlaps.chance.numpy()[places][:, columns]})],
        scale=("sequential", 0.0, 1.0, "mean squared cosine"),
        hatched="not later",
    )
    views, claim = [table("Regions", COLUMNS, rows), view], heading(memory.attrs).replace("\n", "; ")
    return figure("Memory map", f"Where the writers of {memory.attrs['model']} store", claim, views)


def lifetimes_figure(lives: Lifetimes) -> Figure:
    """Strips of ρ over depth, of the writers that change most, and the pairs that are reported."""
    last = np.nan_to_num(np.abs(lives.rho).max(1, where=np.isfinite(lives.rho), initial=0.0))
    places = sorted(int(index) for index in np.argsort(-last, kind="stable")[:ROWS])
    rho = lives.rho[places]
    top = min(2.0, round_up(float(last.max())) or 1.0)
    view = heatmap(
        "ρ over depth",
        ("writer", [lives.writers[index] for index in places]),
        ("depth", lives.depth),
        [panel("", rho, np.isfinite(rho), {"standard error": lives.error[places]})],
        scale=("diverging", -top, top, "− erased, + repeated"),
        hatched="not stored yet",
    )
    columns = (("writer", "writer", None), ("later", "later writer", None), ("kind", "kind", None))
    numbers = (("term", "term", 2), ("caused", "caused", 2), ("z_turned", "z, turned", 1))
    rows: list[list[Any]] = [
        [pair.writer, pair.later, pair.kind, pair.term, pair.caused, pair.z_turned] for pair in lives.reported
    ]
    claim = (
        f"{len(lives.reported)} clean-up and repeater pairs of {lives.screen.tests:,} are beyond both nulls and caused "
        f"by their writer; {lives.screen.checked:,} of {lives.screen.beyond:,} beyond the nulls were checked."
    )
    title = f"What becomes of what the writers of {lives.attrs['model']} store"
    return figure("Lifetimes", title, claim, [view, table("Pairs", (*columns, *numbers), rows)])


def reach_figure(reach: Reach) -> Figure:
    """Of each side the mean distribution of traffic² over distance, beside equal reading."""
    data = reach.to_xarray()
    distance = data["distance"].values
    sides = [name.rsplit(".", 1)[-1] for name in map(str, data["reader"].values)]
    part, equal = (np.nan_to_num(data[name].values) for name in ("part", "equal"))
    drawn = [
        series(side, distance, part[[column for column, other in enumerate(sides) if other == side]].mean(0))
        for side in dict.fromkeys(sides)
    ]
    drawn.append(series("equal reading", distance, equal.mean(0), dashed=True))
    views = [
        lines(
            "Traffic by distance", ("distance", "layers back", "linear"), ("part", "part of traffic²", "linear"), drawn
        )
    ]
    effects = reach.effects
    if len(effects.distance):
        cut = series("cut wires", effects.distance, effects.effect)
        up = ("effect", "change of the reader", "linear")
        views.append(lines("Effect by distance", ("distance", "layers back", "linear"), up, [cut]))
    claim = (
        f"The mean distance is {short(reach.ratio)} times that of equal reading; a writer's traffic² halves in "
        f"{layers(reach.half_life)}."
    )
    return figure("Reach", f"How far back the readers of {reach.attrs['model']} load from", claim, views)
