"""Sums over writers as figures: a logit, and the stream at one token."""

from typing import TYPE_CHECKING

import numpy as np

from loadstore.figures.grids import head_grid, ranked
from loadstore.figures.words import number, signed_number, size
from loadstore.views.model import Figure, View, figure, heatmap, panel, round_up
from loadstore.views.sums import waterfall

if TYPE_CHECKING:
    import xarray as xr


def logit_figure(parts: "xr.DataArray") -> Figure:
    """A logit by writers, largest first, with the others in one step; also by source token if it is divided so."""
    names = [str(name) for name in parts["writer"].values]
    whole = parts.values if parts.ndim == 1 else parts.values.sum(1)
    recorded, remainder = float(parts.attrs["recorded"]), float(parts.attrs["remainder"])
    label = str(parts.attrs["definition"]).partition(", by ")[0]
    over = ranked(whole)
    views = _sum(label, names, whole, (label, recorded, remainder))
    if parts.ndim == 2:
        rows = [*(parts.values[i] for i in over.rows), *([parts.values[list(over.rest)].sum(0)] if over.rest else [])]
        top = round_up(float(np.abs(rows).max())) or 1.0
        tokens = parts["key"].values if "key" in parts.coords else range(parts.shape[1])
        views.append(
            heatmap(
                "The same by source token",
                ("writer", [*(names[i] for i in over.rows), *([over.others] if over.rest else [])]),
                ("source token", [str(token) for token in tokens]),
                [panel("", np.array(rows))],
                scale=("diverging", -top, top, "nats"),
            )
        )
    first = int(np.argmax(whole))
    claim = (
        f"The {label} is {number(recorded)}. Of {len(names)} parts the largest is that of {names[first]}, "
        f"{signed_number(whole[first])}; all parts sum to the number of the run within {size(abs(remainder))}."
    )
    return figure("Sum", f"Who makes the {label}", claim, views)


def stream_figure(parts: "xr.DataArray") -> Figure:
    """The stream at one token: the share of each writer in its squared norm, and the norms of heads' stores."""
    names = [str(name) for name in parts["writer"].values]
    stores = parts.values.astype(float)
    whole = stores.sum(0)
    squared = float(whole @ whole)
    shares = stores @ whole / squared if squared > 0 else np.full(len(names), np.nan)
    token, layer = parts.attrs["token"], parts.attrs["layer"]
    views = _sum("share of the squared norm", names, shares, ("sum", 1.0, 1.0 - float(shares.sum())))
    norms = dict(zip(names, np.linalg.norm(stores, axis=1), strict=True))
    if (grid := head_grid("Norm of what each head stored", "norm", norms, signed=False)) is not None:
        views.append(grid)
    first = int(np.nanargmax(shares)) if squared > 0 else 0
    claim = (
        f"At {token}, layer {layer} finds a stream of norm {number(squared**0.5)}. {names[first]} has the largest "
        f"share in its square, {number(float(shares[first]))}. A share is ⟨store, stream⟩ / ‖stream‖²; the "
        f"stores sum to the stream within {size(float(parts.attrs['remainder']))}."
    )
    return figure("Stream", f"Who wrote the stream at {token}", claim, views)


def _sum(label: str, names: list[str], values: np.ndarray, total: tuple[str, float, float]) -> list[View]:
    """Steps to a total (label, value, remainder), largest first, and the grid of heads."""
    over = ranked(values)
    rows = [(names[i], values[i], "") for i in over.rows]
    if over.rest:
        rows.append((over.others, values[list(over.rest)].sum(), "together"))
    views: list[View] = [
        waterfall(
            f"{label[0].upper()}{label[1:]}, by writer",
            label,
            ("writer", ""),
            rows,
            total=total[:2],
            remainder=total[2],
        )
    ]
    if (grid := head_grid("The same by layer and head", "part", dict(zip(names, values, strict=True)))) is not None:
        views.append(grid)
    return views
