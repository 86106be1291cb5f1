"""What all wires of a model carry on a corpus, as one figure."""

from typing import TYPE_CHECKING

import numpy as np

from loadstore.figures.wires.pieces import grouped
from loadstore.figures.wires.traffic import FEW, traffic_views
from loadstore.figures.words import listed, number, with_error
from loadstore.views.layers import layers_view
from loadstore.views.model import Figure, View, bars, figure, reading

if TYPE_CHECKING:
    import xarray as xr

BARS = 20  # writers of one reader
READERS = 4  # that are drawn as bars each; more MLPs are drawn by layers
SIDED = (".Q", ".K", ".V")
UNITS = (
    ((".Q", ".K"), "Q and K", "nats"),
    ((".V",), "V", "units of the stream"),
    ((".mlp",), "MLPs", "units of an MLP's inside"),
    (("unembed",), "the unembedding", "logits"),
)


def carried_figure(found: "xr.Dataset") -> Figure:
    """Traffic into sides of heads as panels; into MLPs and the unembedding as bars, the largest first."""
    readers = [str(reader) for reader in found["reader"].values]
    heads = list(dict.fromkeys(reader[:-2] for reader in readers if reader[-2:] in SIDED))
    sided = found.traffic.values[:, [reader[-2:] in SIDED for reader in readers]]
    reach = np.isfinite(sided).any(1)
    views = traffic_views(found.isel(writer=reach) if reach.any() else found, heads)
    others = [reader for reader in readers if reader[-2:] not in SIDED]
    mlps = [reader for reader in others if reader.endswith(".mlp")]
    if len(mlps) > READERS and found.sizes["writer"] > FEW:
        views.append(_mlps(found.sel(reader=mlps)))
        others = [reader for reader in others if reader not in mlps]
    views += [_bars(found, reader) for reader in others]
    corpus = str(found.attrs["corpus"])
    where = f"{found.attrs['tokens']:,} tokens of {'the shipped corpus' if corpus == 'default' else corpus}"
    title, said = f"What wires carry on {where}", str(found.attrs["definition"])
    return figure("Traffic", title, carried_claim(found), views, reading(said))


def carried_claim(found: "xr.Dataset") -> str:
    """Which wire carries most into each kind of reader."""
    told: list[str] = []
    for ends, into, unit in UNITS:
        columns = [j for j, reader in enumerate(found["reader"].values) if str(reader).endswith(ends)]
        load = found.traffic.values[:, columns]
        if np.isfinite(load).any() and float(np.nanmax(load)) > 0:
            i, at = np.unravel_index(int(np.nanargmax(load)), load.shape)
            j = columns[int(at)]
            size = with_error(float(load[i, at]), float(found.standard_error.values[i, j]))
            told.append(f"into {into} by {found['writer'].values[i]} → {found['reader'].values[j]} ({size} {unit})")
    return f"Most is carried {listed(told)}." if told else "Nothing is carried."


def _mlps(found: "xr.Dataset") -> View:
    """Traffic into many MLPs: writers by layer, an MLP a column."""
    return layers_view(
        "Traffic into MLPs, units of an MLP's inside",
        rows=grouped([str(writer) for writer in found["writer"].values]),
        columns=[(str(reader), [str(reader)]) for reader in found["reader"].values],
        panels=[("", found.traffic.values)],
        details={name: [found[name].values] for name in ("standard_error", "share")},
        value="traffic",
        signed=False,
        strongest="highest",
    )


def _bars(found: "xr.Dataset", reader: str) -> View:
    column = found.sel(reader=reader).dropna("writer", subset=["traffic"]).sortby("traffic", ascending=False)
    rows = [
        (str(one["writer"].values), float(one.traffic), f"± {number(float(one.standard_error))}")
        for one in (column.isel(writer=i) for i in range(min(BARS, column.sizes["writer"])))
    ]
    left = f", the largest {len(rows)} of {column.sizes['writer']}" if column.sizes["writer"] > len(rows) else ""
    return bars(f"Traffic into {reader}{left}", "traffic", ("writer", "error"), rows, kind="unsigned")
