"""The memory map, lifetimes and reach as figures: use of regions, strips of ρ over depth, and curves."""

from typing import Any

import numpy as np

from loadstore.decomposition.short import short
from loadstore.figures.access import MARKS, access
from loadstore.figures.words import plural
from loadstore.memory.lifetimes_value import Lifetimes
from loadstore.memory.map_text import direction, heading, loads, overwriting
from loadstore.memory.map_value import MemoryMap
from loadstore.memory.reach_value import Reach, halving
from loadstore.views.base import round_up
from loadstore.views.charts import lines, series, table
from loadstore.views.figures import Figure, figure, reading
from loadstore.views.heatmaps import heatmap, panel
from loadstore.views.scales import transform_of

ROWS = 60  # maximum rows of a picture; the value has all
COLUMNS = (
    ("region", "region", None),
    ("rank", "rank", 0),
    ("power", "power", 4),
    ("share", "share", 4),
    ("overwritten", "overwritten by", None),
    ("loaded", "loaded by", None),
    ("direction", "strongest direction", None),
)


def map_figure(memory: MemoryMap) -> Figure:
    """The sites that load or overwrite every region, as marks and loads, and every region as a row of a table."""
    regions = memory.to_dict(2)["regions"]
    rows = [[r["writer"], r["rank"], r["power"], r["share"], overwriting(r), loads(r), direction(r)] for r in regions]
    cells = access(memory)
    most = float(np.nan_to_num(cells.loads).max(initial=0.0))
    view = heatmap(
        "Who loads a region and who stores there later",
        ("region (rank)", [f"{name} ({memory.region(name).rank})" for name in cells.regions]),
        ("later site", cells.sites),
        [panel("", cells.loads, cells.exists, {"overlap": cells.overlap, "chance": cells.chance}, (), cells.marks)],
        scale=("sequential", 0.0, round_up(most) or 1.0, "part of all it loads"),
        transform=transform_of([cells.loads]),
        hatched="not later",
        marks=MARKS,
    )
    pairs, blind = (sum(mark in marked for line in cells.marks for mark in line) for marked in (("w", "!"), ("!",)))
    largest = max(memory.regions, key=lambda region: region.rank)
    claim = (
        f"Of {plural(memory.attrs['pairs'], 'pair')} of a region and a later writer, {pairs} overlap beyond chance; in "
        f"{blind} of these the later writer hardly loads the region that it overwrites. The largest region is that of "
        f"{largest.writer}: {largest.rank} of {largest.rows.shape[1]} dimensions."
    )
    title = f"Where the writers of {memory.attrs['model']} store"
    views = [view, table("Regions", COLUMNS, rows)]
    return figure("Memory map", title, claim, views, reading(heading(memory.attrs).replace("\n", "; ") + "."))


def lifetimes_figure(lives: Lifetimes) -> Figure:
    """Strips of ρ over depth for the writers that change most, and the reported pairs."""
    last = np.nan_to_num(np.abs(lives.rho).max(1, where=np.isfinite(lives.rho), initial=0.0))
    met = np.flatnonzero(last > 0)  # the others have ρ = 0 everywhere
    places = sorted(int(index) for index in met[np.argsort(-last[met], kind="stable")][:ROWS])
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
    columns = (("writer", "writer", None), ("later", "later writer", None), ("at", "at", None), ("kind", "kind", None))
    numbers = (("term", "term", 2), ("caused", "caused", 2), ("z_turned", "z, turned", 1))
    rows: list[list[Any]] = [
        [pair.writer, pair.later, at, pair.kind, pair.term, pair.caused, pair.z_turned]
        for at, pairs in (("the same token", lives.reported), ("later tokens", lives.reported_across))
        for pair in pairs
    ]
    claim = (
        f"Of {lives.screen.tests:,} pairs of a store and a later writer, {len(lives.reported)} are clean-up or "
        f"repeater pairs: beyond both nulls, and caused by the writer. {lives.screen.checked:,} of "
        f"{lives.screen.beyond:,} pairs beyond the nulls were checked by removals. Across tokens "
        f"{len(lives.reported_across)} of {lives.screen_across.tests:,} pairs are."
    )
    title = f"What becomes of the stores of {lives.attrs['model']}"
    return figure("Lifetimes", title, claim, [view, table("Pairs", (*columns, *numbers), rows)])


def reach_figure(reach: Reach) -> Figure:
    """For each side, the mean distribution of traffic² over distance, compared with equal reading."""
    data = reach.to_xarray()
    data = data.sel(distance=(data["equal"] > 0).any("reader"))
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
        f"The mean distance is {short(reach.ratio)} times that of equal reading. For one writer, traffic² into its "
        f"readers {halving(reach.half_life)}."
    )
    return figure("Reach", f"How far back the readers of {reach.attrs['model']} load from", claim, views)
