"""The memory map of a prompt: every writer's store at every token, and for one store, the loads that used it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from loadstore.decomposition.address import smallest_set
from loadstore.decomposition.load_totals import load_totals
from loadstore.decomposition.logits import logit_parts
from loadstore.decomposition.reading import in_stream
from loadstore.decomposition.single import one_prompt_index
from loadstore.decomposition.store_loads import store_loads
from loadstore.decomposition.stored import nearest
from loadstore.execution.trace import Trace
from loadstore.explorer.prompt import text_of, window
from loadstore.explorer.requests import MemoryRequest, StoreRequest
from loadstore.explorer.state import Document, Explorer
from loadstore.model.ports import writing
from loadstore.model.target import target_id
from loadstore.model.wiring import wiring
from loadstore.sites import SIDES, UNEMBED, Writer, parse_head

if TYPE_CHECKING:
    import xarray as xr

MASS = 0.9  # fraction of a store's use that the highlighted loads hold
LIT = 48  # maximum number of them
MEANINGS = {
    "stored": "squared norm of what each writer stored there",
    "loaded": "how many loads of later heads each store makes up: its shares summed over heads, sides and queries",
}
BESIDE = " (pos is not in the stream: it is added to what Q and K read)"


def memory(explorer: Explorer, ask: MemoryRequest) -> Document:
    """Tokens by depth: for each row of writers and each token, the stores' sizes and the squared norm of their sum."""
    trace = explorer.trace(ask.run)
    first, last = window(trace, ask.first)
    measure = ask.measure or "stored"
    used = load_totals(trace) if measure == "loaded" else None
    beside = wiring(trace.weights).shortformer
    rows: list[Document] = []
    for label, writers in _rows(trace):
        stores = torch.stack([trace.store(writer)[0, first:last].double() for writer in writers])
        squares = stores.square().sum(-1)
        values = squares
        if used is not None:
            values = torch.from_numpy(used.sel(writer=[str(writer) for writer in writers]).values[:, first:last])
        rows.append(
            {
                "label": label,
                "layer": writers[0].layer,
                "writers": [str(writer) for writer in writers],
                "kinds": [writer.kind for writer in writers],
                "values": _short(values),
                "squares": _short(squares.sum(0)[None])[0],
                "sums": _short(stores.sum(0).square().sum(-1)[None])[0],
            }
        )
    meaning = MEANINGS[measure] + (BESIDE if beside else "")
    return {"measure": measure, "meaning": meaning, "first": first, "rows": rows}


def _rows(trace: Trace) -> list[tuple[str, Sequence[Writer]]]:
    """The rows of the stream from the top down: embedding and positions, then each layer's heads and its MLP.

    Positions that bypass the norm have a row of their own, since they are not added to the stream.
    """
    rows: dict[str, list[Writer]] = {}
    for writer in wiring(trace.weights).writers:
        layer = (
            f"L{writer.layer}"
            if writer.layer >= 0
            else str(writer)
            if writing(trace.weights, writer).bypasses_norm
            else "embed"
        )
        rows.setdefault(f"{layer}.mlp" if writer.kind == "mlp" else layer, []).append(writer)
    return list(rows.items())


def _short(values: Tensor) -> list[list[float]]:
    return [[float(f"{value:.4g}") for value in row] for row in values.tolist()]


def store(explorer: Explorer, ask: StoreRequest) -> Document:
    """One store: its content, its source, and the loads that used it, by share or by traffic."""
    trace = explorer.trace(ask.run)
    at = one_prompt_index(trace, ask.at)
    writer = wiring(trace.weights).writer(ask.writer)
    by = ask.by or "share"
    row = trace.store(writer)[0, at].double()
    lit, others = _lit(store_loads(trace, writer, at), by)
    return {
        "writer": str(writer),
        "at": at,
        "norm": float(row.norm()),
        "shares": _shares(trace, writer, at, row),
        "decoded": [
            {"text": f"position {index}" if writer.kind == "pos" else text_of(trace, index), "cosine": cosine}
            for index, cosine in nearest(trace.weights, writer, trace.store(writer)[0, at])
        ],
        "source": _source(trace, writer, at),
        "logit": _logit(trace, writer, at, ask.predict),
        "by": by,
        "lit": lit,
        "others": others,
        "missing": "MLPs load too, but they are not linear: a store has no exact share of their loads, so these are "
        "not lit."
        if trace.weights.architecture.mlp is not None
        else "",
    }


def _lit(loads: "xr.Dataset", by: str) -> tuple[list[Document], Document]:
    """The loads that hold MASS of the total; by traffic, separately for each side, since their units differ."""
    places = np.argwhere(np.isfinite(loads.share.values))
    at = tuple(places.T)
    size = np.abs(loads.share.values[at]) if by == "share" else loads.traffic.values[at]
    kept: list[int] = []
    groups: Sequence[Sequence[int]] = [range(len(SIDES))] if by == "share" else [[side] for side in range(len(SIDES))]
    for sides in groups:
        mine = np.flatnonzero(np.isin(places[:, 1], list(sides)))
        ranked = mine[np.argsort(-size[mine], kind="stable")]
        held = size[ranked].cumsum()
        enough = int((held < MASS * held[-1:]).sum()) + 1
        kept += ranked[: min(enough, LIT // len(groups))].tolist()
    rest = float(size.sum() - size[kept].sum()) if by == "share" else None
    return [_load(loads, places[each]) for each in kept], {"count": len(size) - len(kept), "held": rest}


def _load(loads: "xr.Dataset", cell: np.ndarray) -> Document:
    head, side, query = cell.tolist()
    name = str(loads["head"].values[head])
    return {
        "head": name,
        "layer": parse_head(name).layer,
        "side": SIDES[side],
        "query": query,
        "token": str(loads["token"].values[query]),
        "share": float(loads.share.values[head, side, query]),
        "traffic": float(loads.traffic.values[head, side, query]),
    }


def _shares(trace: Trace, writer: Writer, at: int, row: Tensor) -> list[dict[str, Any]]:
    """The store's share of the stream's squared norm, right after it was stored and at the end."""
    depth = trace.weights.architecture.n_layers
    shares: list[dict[str, Any]] = []
    for name, layer in (("right after", max(0, writer.layer + 1)), ("at the end", depth)):
        if writer in in_stream(trace.weights, layer):
            stream = trace.residual(layer)[at].double()
            shares.append({"when": name, "share": float(row @ stream / stream.square().sum())})
    return shares


def _source(trace: Trace, writer: Writer, at: int) -> list[dict[str, Any]]:
    """The tokens that a head loaded it from; empty for other writers."""
    if writer.kind != "head":
        return []
    row = trace.pattern(writer.head)[at]
    return [{"token": trace.labels[j], "at": j, "weight": float(row[j])} for j in smallest_set(row)[:4]]


def _logit(trace: Trace, writer: Writer, at: int, named: int | str | None) -> dict[str, Any] | None:
    """The store's part of the logit of the given or likeliest next token; None without a wire to the unembedding."""
    if not wiring(trace.weights).connects(writer, UNEMBED):
        return None
    token = int(trace.logits[at].argmax()) if named is None else target_id(trace.weights, named)
    parts = logit_parts(trace, at, token)
    return {"text": text_of(trace, token), "change": float(parts.sel(writer=str(writer)))}
