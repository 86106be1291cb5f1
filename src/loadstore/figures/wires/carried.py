"""The traffic of all wires of a model on a corpus, as one figure."""

from typing import TYPE_CHECKING

import numpy as np

from loadstore.figures.wires.pieces import grouped, readers_of
from loadstore.figures.wires.traffic import FEW, traffic_views
from loadstore.figures.words import listed, number, with_error
from loadstore.scores.measures import UNITS, Kind, details_of, kind_of
from loadstore.sites import SIDES
from loadstore.views.layers import layers_view
from loadstore.views.model import Figure, View, bars, figure, reading

if TYPE_CHECKING:
    import xarray as xr

BARS = 20  # writers shown for one reader
READERS = 4  # maximum readers drawn as bars; more MLPs are drawn by layers
INTO: tuple[tuple[tuple[Kind, ...], str], ...] = (
    (("Q", "K"), "Q and K"),
    (("V",), "V"),
    (("mlp",), "MLPs"),
    (("unembed",), "the unembedding"),
)
"""Kinds of readers whose traffic has the same unit, with their names in a sentence."""


def carried_figure(table: "xr.Dataset") -> Figure:
    """Traffic into sides of heads as panels, and into MLPs and the unembedding as bars, the largest first."""
    readers = readers_of(table)
    sides = [reader for reader in readers if reader.side in SIDES]
    heads = list(dict.fromkeys(str(reader.head) for reader in sides))
    sided = table.traffic.sel(reader=list(map(str, sides))).values
    reach = np.isfinite(sided).any(1)
    views = traffic_views(table.isel(writer=reach) if reach.any() else table, heads)
    others = [str(reader) for reader in readers if reader.side not in SIDES]
    mlps = [str(reader) for reader in readers if reader.is_mlp]
    if len(mlps) > READERS and table.sizes["writer"] > FEW:
        views.append(_mlps(table.sel(reader=mlps)))
        others = [reader for reader in others if reader not in mlps]
    views += [_bars(table, reader) for reader in others]
    corpus = str(table.attrs["corpus"])
    where = f"{table.attrs['tokens']:,} tokens of {'the shipped corpus' if corpus == 'default' else corpus}"
    title, said = f"What wires carry on {where}", str(table.attrs["definition"])
    return figure("Traffic", title, carried_claim(table), views, reading(said))


def carried_claim(table: "xr.Dataset") -> str:
    """The wire with the most traffic into each kind of reader."""
    claims: list[str] = []
    kinds_found = [kind_of(reader) for reader in readers_of(table)]
    for kinds, into in INTO:
        columns = [j for j, kind in enumerate(kinds_found) if kind in kinds]
        load = table.traffic.values[:, columns]
        if np.isfinite(load).any() and float(np.nanmax(load)) > 0:
            i, at = np.unravel_index(int(np.nanargmax(load)), load.shape)
            j = columns[int(at)]
            size = with_error(float(load[i, at]), float(table.standard_error.values[i, j]))
            name = f"{table['writer'].values[i]} → {table['reader'].values[j]}"
            claims.append(f"into {into} by {name} ({size} {UNITS[kinds[0]]})")
    return f"Most is carried {listed(claims)}." if claims else "Nothing is carried."


def _mlps(table: "xr.Dataset") -> View:
    """Traffic into many MLPs: writers by layer, one column per MLP."""
    return layers_view(
        f"Traffic into MLPs, {UNITS['mlp']}",
        rows=grouped([str(writer) for writer in table["writer"].values]),
        columns=[(str(reader), [str(reader)]) for reader in table["reader"].values],
        panels=[("", table.traffic.values)],
        details={name: [table[name].values] for name in details_of("traffic")},
        value="traffic",
        signed=False,
        strongest="highest",
    )


def _bars(table: "xr.Dataset", reader: str) -> View:
    column = table.sel(reader=reader).dropna("writer", subset=["traffic"]).sortby("traffic", ascending=False)
    rows = [
        (str(wire["writer"].values), float(wire.traffic), f"± {number(float(wire.standard_error))}")
        for wire in (column.isel(writer=i) for i in range(min(BARS, column.sizes["writer"])))
    ]
    left = f", the largest {len(rows)} of {column.sizes['writer']}" if column.sizes["writer"] > len(rows) else ""
    return bars(f"Traffic into {reader}{left}", "traffic", ("writer", "error"), rows, kind="unsigned")
