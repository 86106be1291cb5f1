"""The subject × region matrix of an audit: what every site may do, what it does, and where it breaks the policy."""

from typing import TYPE_CHECKING

import numpy as np

from loadstore.sites import parse_reader, parse_writer
from loadstore.views.base import round_up
from loadstore.views.heatmaps import Panel
from loadstore.views.model import Figure, figure, heatmap, panel, table

if TYPE_CHECKING:
    import xarray as xr

COLUMNS = ("Q", "K", "V", "load", "store")
MARKS = "r may load, w may store, – may not and does not, ! may not and does, ~ may not and is tainted, d declassifies"


def audit_figure(audit: "xr.Dataset") -> Figure:
    """Draw an audit: shares of loads and stores as colours, breaches outlined, and rights as marks in a table."""
    places = {str(site): _place(str(site), load=True) for site in audit["reader"].values}
    stored = {str(site): _place(str(site), load=False) for site in audit["writer"].values}
    subjects = list(dict.fromkeys(subject for subject, _ in (*places.values(), *stored.values())))
    panels: list[Panel] = []
    rows: list[list[str]] = []
    shares: list[float] = []
    breaches = 0
    for space in audit["subspace"].values.tolist():
        rights = audit.sel(subspace=space)
        fill = np.full((len(subjects), len(COLUMNS)), np.nan)
        marks = np.full(fill.shape, "", dtype=object)
        for site, (subject, column) in (*places.items(), *stored.items()):
            at = subjects.index(subject), COLUMNS.index(column)
            loads = column != "store"
            cell = rights.sel(reader=site) if loads else rights.sel(writer=site)
            fill[at] = float(cell["own" if loads else "stored"])
            marks[at] = _load_mark(cell) if loads else _store_mark(cell)
        outlined = [(int(row), int(column)) for row, column in np.argwhere(marks == "!")]
        breaches += len(outlined)
        shares.append(float(np.nan_to_num(fill).max()))
        panels.append(panel(space, np.nan_to_num(fill), marks != "", None, outlined))
        rows += [[space, subject, *marks[line]] for line, subject in enumerate(subjects)]
    top = max(shares, default=0.0)
    views = [
        heatmap(
            "Share of the load, and of what the subspace holds",
            ("subject", subjects),
            ("access", COLUMNS),
            panels,
            scale=("sequential", 0.0, round_up(top) or 1.0, "share"),
            hatched="no such access",
            outline="breach",
        ),
        table(
            f"Rights: {MARKS}",
            [("subspace", "subspace", None), ("subject", "subject", None), *((name, name, None) for name in COLUMNS)],
            rows,
        ),
    ]
    tainted = int(audit["tainted"].sum())
    claim = f"Direct breaches: {breaches}. Readers that may not load and are tainted: {tainted}."
    return figure("Audit", "Who may do what, and who does", claim, views)


def _place(site: str, *, load: bool) -> tuple[str, str]:
    """The row and the column of a site: a head has its three sides and its store in one row."""
    if not load:
        return str(parse_writer(site)), "store"
    reader = parse_reader(site)
    if reader.is_unembed or reader.is_mlp:
        return site, "load"
    return str(reader.head), reader.head_side


def _load_mark(cell: "xr.Dataset") -> str:
    if bool(cell["declassifies"]):
        return "d"
    return "r" if bool(cell["may_load"]) else "!" if bool(cell["breach"]) else "~" if bool(cell["tainted"]) else "–"


def _store_mark(cell: "xr.Dataset") -> str:
    return "w" if bool(cell["may_store"]) else "!" if bool(cell["store_breach"]) else "–"
