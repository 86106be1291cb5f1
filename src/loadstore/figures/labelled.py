"""Labelled results as pictures: known ones by their dimensions, any others as tables."""

from typing import TYPE_CHECKING, Any

import numpy as np

from loadstore.figures.changes import ablation_figure, sweep_figure
from loadstore.figures.circuits.found import attribution_figure
from loadstore.figures.circuits.measured import curve_figure
from loadstore.figures.permitted import audit_figure
from loadstore.figures.prediction.sums import logit_figure, stream_figure
from loadstore.figures.wires.carried import carried_figure
from loadstore.figures.wires.channels import channels_figure
from loadstore.figures.wires.scores import scores_figure
from loadstore.figures.words import number
from loadstore.heads.patterns import ROLES
from loadstore.views.model import Figure, View, bars, figure, heatmap, lines, panel, series, table
from loadstore.views.sums import waterfall

if TYPE_CHECKING:
    import xarray as xr

ROWS = 2000  # of a table: more would make a notebook heavy; the claim states how many were left out
CELLS = 40_000  # of a heatmap


def labelled_figures(result: Any) -> tuple[str, list[Figure]] | None:
    """Title and figures of a Dataset or DataArray; None for anything else."""
    import xarray as xr

    if isinstance(result, xr.DataArray):
        return _array(result)
    if not isinstance(result, xr.Dataset):
        return None
    name = f"{result.attrs.get('model', 'result')}"
    if {"writer", "reader"} <= set(result.dims) and "alignment" in result:
        return f"{name}: subspace scores", [scores_figure(result)]
    if {"channel", "reader"} <= set(result.dims) and "carried" in result:
        return f"{name}: channels of {result.attrs['writer']}", [channels_figure(result)]
    if {"subspace", "reader"} <= set(result.dims) and "tainted" in result:
        return f"{name}: audit", [audit_figure(result)]
    if {"writer", "reader"} <= set(result.dims) and "traffic" in result:
        return f"{name}: traffic", [carried_figure(result)]
    if "wire" in result.dims and {"attribution", "signed"} <= set(result.data_vars):
        return f"{name}: attributions of {result.attrs['task']}", [attribution_figure(result)]
    if "size" in result.dims and {"faithfulness", "low", "high"} <= set(result.data_vars):
        return f"{name}: {result.attrs['task']} by size", [curve_figure(result)]
    if "eigenvalue" in result and "rank" in result.dims:
        return f"{name}: spectrum of {result.attrs.get('site', '')}", [_spectrum(result)]
    if "head" in result.dims and set(ROLES) <= set(result.data_vars):
        return f"{name}: roles of heads", [_roles(result)]
    if "wire" in result.dims and {"change", "standard_error"} <= set(result.data_vars) and "metric" in result.attrs:
        return f"{name}: wires one by one", [sweep_figure(result)]
    if "head" in result.dims and {"effect", "effect_se", "loss"} <= set(result.data_vars):
        return f"{name}: ablation of heads", [ablation_figure(result)]
    return str(result.attrs.get("title", name)), _tables(result)


def _spectrum(table: "xr.Dataset") -> Figure:
    ranks, site = table["rank"].values, str(table.attrs.get("site", "writer"))
    drawn = [series(site, ranks, table.eigenvalue.values)]
    if "structureless" in table:
        drawn.append(series("random", ranks, table.structureless.values, dashed=True))
    views = [
        lines("Eigenvalues", ("rank", "direction", "linear"), ("eigenvalue", "variance", "log"), drawn),
        lines(
            "Cumulative variance",
            ("rank", "directions", "linear"),
            ("cumulative", "share", "linear"),
            [series(site, ranks, table["cumulative"].values)],
        ),
    ]
    half = int(table.directions.sel(fraction=0.8)) if "directions" in table else None
    claim = f"80 % of the variance of {site} lies in {half} of {len(ranks)} directions." if half is not None else ""
    return figure("Spectrum", f"The spectrum of {site}", claim, views)


def _roles(roles: "xr.Dataset") -> Figure:
    heads = [str(head) for head in roles["head"].values]
    values = np.stack([roles[role].values for role in ROLES])
    errors = np.stack(
        [roles[f"{role}_se"].values if f"{role}_se" in roles else values[i] * np.nan for i, role in enumerate(ROLES)]
    )
    view = heatmap(
        "Share of attention",
        ("role", ROLES),
        ("head", heads),
        [panel("", values, None, {"standard error": errors})],
        scale=("sequential", 0.0, 1.0, "attention"),
    )
    best = [
        f"{role} {heads[int(np.nanargmax(row))]} ({number(float(np.nanmax(row)))})"
        for role, row in zip(ROLES, values, strict=True)
        if np.isfinite(row).any()
    ]
    return figure("Roles", "What heads attend to", f"Strongest: {', '.join(best)}.", [view])


def _array(values: "xr.DataArray") -> tuple[str, list[Figure]]:
    """A waterfall for parts of a recorded number, bars for one dimension, a heatmap for two, a table for more."""
    name = str(values.name or "values")
    title = str(values.attrs.get("head", name))
    label = values.attrs.get("units", name)
    if "writer" in values.dims and {"recorded", "remainder", "definition"} <= values.attrs.keys():
        drawn = logit_figure(values)
        return drawn.title, [drawn]
    if values.dims == ("writer", "d_model") and {"layer", "token", "remainder"} <= values.attrs.keys():
        drawn = stream_figure(values)
        return drawn.title, [drawn]
    if values.ndim == 1 and values.size <= 200 and {"recorded", "remainder"} <= values.attrs.keys():
        rows = [(str(key), float(value), "") for key, value in zip(_labels(values, 0), values.values, strict=True)]
        total = ("recorded", values.attrs["recorded"])
        view = waterfall(
            name, str(label), (str(values.dims[0]), ""), rows, total=total, remainder=values.attrs["remainder"]
        )
        return title, [figure("Sum", title, "", [view])]
    if values.ndim == 1 and values.size <= 200 and np.issubdtype(values.dtype, np.number):
        rows = [(str(key), float(value), "") for key, value in zip(_labels(values, 0), values.values, strict=True)]
        total = ("sum", float(values.values.sum()))
        return title, [
            figure("Values", title, "", [bars(name, str(label), (str(values.dims[0]), ""), rows, total=total)])
        ]
    if values.ndim == 2 and values.size <= CELLS:
        finite = values.values[np.isfinite(values.values)]
        top = float(np.abs(finite).max()) if finite.size else 1.0
        signed = bool((finite < 0).any())
        scale = (
            ("diverging", -top or -1.0, top or 1.0, str(label))
            if signed
            else ("sequential", 0.0, top or 1.0, str(label))
        )
        rows, columns = ((str(dim), _labels(values, index)) for index, dim in enumerate(values.dims))
        return title, [
            figure("Values", title, "", [heatmap(name, rows, columns, [panel("", values.values)], scale=scale)])
        ]
    return title, _tables(values.rename(name).to_dataset())


def _labels(values: "xr.DataArray", axis: int) -> list[str]:
    dim = values.dims[axis]
    return [str(label) for label in (values[dim].values if dim in values.coords else range(values.shape[axis]))]


def _tables(result: "xr.Dataset") -> list[Figure]:
    """One table for each set of dimensions that variables share, scalars first."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for name, values in result.data_vars.items():
        groups.setdefault(tuple(map(str, values.dims)), []).append(str(name))
    views: list[View] = []
    left = 0
    for dims, names in sorted(groups.items(), key=lambda group: len(group[0])):
        if not dims:
            views.append(
                table(
                    "Single numbers",
                    (("name", "name", None), ("value", "value", 4)),
                    [[n, result[n].item()] for n in names],
                )
            )
            continue
        frame = result[names].to_dataframe().reset_index()[[*dims, *names]]
        left += max(0, len(frame) - ROWS)
        kinds = [np.asarray(frame[column]).dtype.kind for column in frame.columns]
        columns = [
            (str(column), str(column), {"f": 3, "i": 0, "u": 0}.get(kind))
            for column, kind in zip(frame.columns, kinds, strict=True)
        ]
        rows = [
            [value if kind in "fiu" else str(value) for value, kind in zip(row, kinds, strict=True)]
            for row in frame.head(ROWS).itertuples(index=False)
        ]
        views.append(table(f"By {' and '.join(dims)}", columns, rows))
    claim = str(result.attrs.get("definition", "")) + (f" ({left} rows are not shown.)" if left else "")
    title = str(result.attrs.get("title", ", ".join(map(str, result.data_vars))))
    return [figure("Result", title, claim, views)]
