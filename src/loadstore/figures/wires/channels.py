"""The channels of a writer over its readers, drawn like the scores of wires."""

from typing import TYPE_CHECKING

import numpy as np
from msgspec.structs import replace

from loadstore.figures.wires.scores import scores_figure
from loadstore.figures.words import number
from loadstore.views.model import Figure

if TYPE_CHECKING:
    import xarray as xr

MOST = 32  # number of strongest channels


def channels_figure(table: "xr.Dataset") -> Figure:
    """The strongest channels as rows, their alignment with readers as colour, and their shares in the details."""
    writer, total = str(table.attrs["writer"]), int(table.attrs["total"])
    reached = np.isfinite(table.score.values).any(0)
    shown = table.isel(channel=slice(MOST), reader=reached if reached.any() else slice(None))
    names = [str(number) for number in shown["channel"].values]
    sizes = zip(names, shown.strength.values, shown.dimension.values, strict=True)
    labels = [f"{n}: {number(float(s))}" + (f", {m} directions" if m > 1 else "") for n, s, m in sizes]
    drawn = scores_figure(
        shown.drop_vars(["strength", "share", "dimension"]).rename(channel="writer").assign_coords(writer=labels),
        rows="channel: strength",
    )
    values = shown.alignment.values
    left = f" The strongest {len(names)} of {total} are drawn." if len(names) < total else ""
    claim = f"{writer} has {total} channels; no wire of theirs has an alignment.{left}"
    if np.isfinite(values).any():
        i, j = np.unravel_index(int(np.nanargmax(values)), values.shape)
        claim = (
            f"The best aligned channel of {writer} is number {names[i]}, with {shown['reader'].values[j]}: alignment "
            f"{number(float(values[i, j]))}, z {number(float(shown.z.values[i, j]), 0)}; it carries "
            f"{number(float(shown.carried.values[i, j]))} of that wire.{left}"
        )
    return replace(drawn, title=f"Channels of {writer}", claim=claim)
