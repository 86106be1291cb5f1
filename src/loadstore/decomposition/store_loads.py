"""The loads that used one store: its exact share for every later head, side and query.

Let d_i = A_i − 1/n over the n keys allowed for query i, and C_i = Σ_j d_ij s_ij the contrast of its row:

    V   A_it ⟨o^c_t, o_i⟩ / ‖o_i‖²      K   d_it q_i · k^c_t / C_i      Q (i = t)   q^c_t · Σ_j d_tj k_j / C_t

o^c, k^c and q^c are the store as the reader receives it, its norm's scale frozen. Over all stores and ``const``, the
shares of one load sum to 1 (``address(…, about="row")``). Traffic of this store alone, as in wire_traffic/exact.py:

    V   A_it ‖o^c_t‖      K   √(A_it (1 − A_it)) |q_i · k^c_t| /√d_head      Q   √Var_{j∼A_t}(q^c_t · k_j) /√d_head

Time: token² × d_head per head. Derivation: docs/address.md.
Tests: tests/decomposition/test_store_loads.py.
"""

from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor

from loadstore.decomposition.decomposition import turned
from loadstore.decomposition.layer_loads import LayerLoads, layer_loads, share_of
from loadstore.decomposition.reading import read_at, refuse_cuts
from loadstore.decomposition.single import one_prompt_index
from loadstore.execution.positions import At
from loadstore.execution.trace import Trace
from loadstore.model.ports import reading
from loadstore.model.wiring import wiring
from loadstore.sites import SIDES, Head, Reader, Side, Writer, parse_writer
from loadstore.threads import threads_for

if TYPE_CHECKING:
    import xarray as xr


@threads_for(0)
def store_loads(trace: Trace, writer: Writer | Head | str, at: At) -> "xr.Dataset":
    """Find every load of a head that used one store, and the store's share of the load.

    Args:
        trace: A run of one prompt, without cuts.
        writer: The writer, such as ``"L0.H7"``.
        at: The index of the token at which it stored (negative: from the end).

    Returns:
        Dataset with dims head, side, query. ``share``: without unit; over all stores and ``const`` the shares of one
        load sum to 1. ``traffic``: how far this store alone moves the load, in nats on Q and K, length in the stream on
        V. ``whole``: the divided number, the contrast of the row on Q and K (nats), ‖o‖² on V. All are NaN where the
        head does not load the store: there is no wire, the query is earlier, or, on Q, the query is another token.
        ``share`` is also NaN where ``whole`` vanishes. The coordinate ``token`` labels the queries.

    Raises:
        NoSuchSite: The model has no such writer.
        Undefined: The run is a batch or has cuts, or the index does not exist.
        BadRequest: ``at`` names no token.

    Example:
        >>> import loadstore as ls
        >>> trace = ls.run(ls.load("builtin"), "the cat sat on the mat. the dog sat")
        >>> used = ls.parts.store_loads(trace, "L0.H7", at=4)
        >>> used.share.sel(head="L1.H4", side="K", query=10).item() > 0.5
        True
    """
    import xarray as xr

    refuse_cuts(trace)
    at = one_prompt_index(trace, at)
    network, shape = wiring(trace.weights), trace.weights.architecture
    writer, tokens = network.writer(parse_writer(writer)), trace.tokens.shape[1]
    values = torch.full((3, shape.n_layers, shape.n_heads, len(SIDES), tokens), torch.nan, dtype=torch.float64)
    for layer in range(shape.n_layers):
        sides: list[Side] = [side for side in SIDES if network.connects(writer, Reader(layer, 0, side))]
        loads = layer_loads(trace, layer) if sides else None
        for side in sides:
            assert loads is not None
            last = at + 1 if side == "Q" else tokens
            shares = _side(loads, side, _parts(trace, writer, at, Reader(layer, 0, side)), at)
            values[:, layer, :, SIDES.index(side), at:last] = torch.stack(shares).cpu()
    named = zip(("share", "traffic", "whole"), values.flatten(1, 2).numpy(), strict=True)
    return xr.Dataset(
        {name: (("head", "side", "query"), each) for name, each in named},
        coords={
            "head": [str(head) for head in shape.heads],
            "side": list(SIDES),
            "query": range(tokens),
            "token": ("query", trace.labels),
        },
        attrs={
            "model": trace.weights.name,
            "bos": trace.weights.begins,
            "title": f"Loads of what {writer} stored at {trace.labels[at]}",
            "definition": "share = the part of a load that one store makes up, the scales of norms frozen",
            "writer": str(writer),
            "at": at,
        },
    )


def _parts(trace: Trace, writer: Writer, at: int, first: Reader) -> Float[Tensor, "head d_head"]:
    """The store's part of q, k or v at one token, for every head of the layer of ``first``."""
    row = read_at(trace, first, (writer,), at)
    readers = [Reader(first.layer, index, first.side) for index in range(trace.weights.architecture.n_heads)]
    parts = [turned(trace, reader, (row @ reading(trace.weights, reader).matrix)[None], at)[0, 0] for reader in readers]
    return torch.stack(parts).double()


def _side(
    loads: LayerLoads, side: Side, part: Float[Tensor, "head d_head"], at: int
) -> tuple[Float[Tensor, "head query"], Float[Tensor, "head query"], Float[Tensor, "head query"]]:
    """Share, traffic and whole of the loads of one side, for every query from ``at`` on; for Q, for ``at`` alone."""
    rows = loads.rows[:, at:, at]
    if side == "V":
        rows = loads.mixing[:, at:, at]
        back = torch.einsum("he,hef->hf", part, loads.gram)
        size = (back * part).sum(-1, keepdim=True).clamp(min=0).sqrt()
        met, whole = torch.einsum("hie,he->hi", loads.z[:, at:], back), loads.squares[:, at:]
        return share_of(rows * met, whole, whole.sqrt() * size), rows * size, whole
    if side == "K":
        change = torch.einsum("hie,he->hi", loads.q[:, at:], part) * loads.scale
        whole = loads.contrast[:, at:]
        share = share_of(loads.directions[:, at:, at] * change, whole, loads.size[:, at:])
        return share, (rows * (1 - rows)).clamp(min=0).sqrt() * change.abs(), whole
    scores = torch.einsum("hje,he->hj", loads.k, part) * loads.scale
    row, whole = loads.rows[:, at], loads.contrast[:, at : at + 1]
    mean = (row * scores).sum(-1, keepdim=True)
    sunk = (1 - row.sum(-1, keepdim=True)).clamp(min=0) if loads.sunk else 0.0
    moved = (row * (scores - mean).square()).sum(-1, keepdim=True) + sunk * mean.square()
    traffic = moved.sqrt()
    meant = (loads.directions[:, at] * scores).sum(-1, keepdim=True)
    return share_of(meant, whole, loads.size[:, at : at + 1]), traffic, whole
