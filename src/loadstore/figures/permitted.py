"""The subject × region matrix of an audit: the rights of every site, its accesses, and its breaches of the policy."""

from typing import TYPE_CHECKING

import numpy as np

from loadstore.sites import parse_reader, parse_writer
from loadstore.views.base import round_up
from loadstore.views.heatmaps import Heatmap
from loadstore.views.model import Figure, figure, heatmap, panel
from loadstore.views.scales import transform_of

if TYPE_CHECKING:
    import xarray as xr

ACCESSES = ("Q", "K", "V", "load", "store")
SUBJECTS = 60  # maximum in a picture; the audit has all
MARKS = (
    ("r", "may load"),
    ("w", "may store"),
    ("d", "may load, and declassifies"),
    ("!", "may not, and does: a breach"),
    ("~", "may not, and is tainted"),
    ("–", "may not, and does not"),
)


def audit_figure(audit: "xr.Dataset") -> Figure:
    """Draw an audit: shares of loads and stores as colours, rights and breaches as marks."""
    breaches = int(audit["breach"].sum() + audit["store_breach"].sum())
    tainted = int(audit["tainted"].sum())
    claim = f"Direct breaches: {breaches}. Readers that may not load and are tainted: {tainted}."
    return figure("Audit", "Who may do what, and who does", claim, [rights_view(audit)])


def rights_view(audit: "xr.Dataset") -> Heatmap:
    """Accesses by subject, a panel for each subspace; of many subjects, those that load or store most."""
    places = {str(site): _place(str(site), load=True) for site in audit["reader"].values}
    stored = {str(site): _place(str(site), load=False) for site in audit["writer"].values}
    subjects = list(dict.fromkeys(subject for subject, _ in (*stored.values(), *places.values())))
    spaces = audit["subspace"].values.tolist()
    fill = np.zeros((len(spaces), len(ACCESSES), len(subjects)))
    marks = np.full(fill.shape, "", dtype=object)
    for number, space in enumerate(spaces):
        row = audit.sel(subspace=space)
        for site, (subject, access) in (*places.items(), *stored.items()):
            at = number, ACCESSES.index(access), subjects.index(subject)
            loads = access != "store"
            cell = row.sel(reader=site) if loads else row.sel(writer=site)
            fill[at] = np.nan_to_num(float(cell["own" if loads else "stored"]))
            marks[at] = _load_mark(cell) if loads else _store_mark(cell)
    chosen = sorted(int(index) for index in np.argsort(-fill.max((0, 1)), kind="stable")[:SUBJECTS])
    rows = [index for index in range(len(ACCESSES)) if (marks[:, index][:, chosen] != "").any()]
    fill, marks = fill[:, rows][:, :, chosen], marks[:, rows][:, :, chosen]
    return heatmap(
        "Share of the load, and of what the subspace holds",
        ("access", [ACCESSES[index] for index in rows]),
        ("subject", [subjects[index] for index in chosen]),
        [
            panel(space, values, letters != "", None, (), letters)
            for space, values, letters in zip(spaces, fill, marks, strict=True)
        ],
        scale=("sequential", 0.0, round_up(float(fill.max(initial=0.0))) or 1.0, "share"),
        transform=transform_of(fill),
        hatched="no such access",
        marks=MARKS,
    )


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
    return "r" if bool(cell["may_load"]) else "!" if bool(cell["breach"]) else "~" if _tainted(cell) else "–"


def _store_mark(cell: "xr.Dataset") -> str:
    return "w" if bool(cell["may_store"]) else "!" if bool(cell["store_breach"]) else "–"


def _tainted(cell: "xr.Dataset") -> bool:
    """Whether taint was measured and found."""
    return "tainted" in cell and bool(cell["tainted"])
