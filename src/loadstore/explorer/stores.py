"""The loads that used one store: of every later head, side and query, the exact share that the store makes up.

With d_i = A_i − 1/n over the keys that query i may see, and the contrast C_i = Σ_j d_ij s_ij of its row:

    V   A_it ⟨o^c_t, o_i⟩ / ‖o_i‖²      K   d_it q_i · k^c_t / C_i      Q (i = t)   q^c_t · Σ_j d_tj k_j / C_t

o^c, k^c, q^c being what the store is to the reader, its norm's scale frozen. Over all stores, and ``const``, the shares
of one load sum to 1 (decomposition/address.py, ``about="row"``). Traffic of the store alone, as in traffic/exact.py:

    V   A_it ‖o^c_t‖      K   √(A_it (1 − A_it)) |q_i · k^c_t| /√d_head      Q   √Var_{j∼A_t}(q^c_t · k_j) /√d_head

All heads of a layer at once. Time: token² × d_head a head. Tests: tests/explorer/test_stores.py.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from loadstore.decomposition.reading import is_beside, norm_of, refuse_cuts
from loadstore.execution.trace import Trace
from loadstore.explorer.layers import Loads, loads, shared
from loadstore.model.norms import through_norm
from loadstore.model.wiring import wiring
from loadstore.sites import SIDES, Reader, Side, Writer


@dataclass(frozen=True, slots=True)
class Used:
    """One load: the share of it that a store makes up, and how much of the store it took."""

    reader: Reader
    query: int
    share: float
    traffic: float


@dataclass(frozen=True, eq=False)
class Uses:
    """Loads of one store, many at once; ``site`` has each load's layer, head, side (its place in SIDES) and query."""

    site: Int[Tensor, "use 4"]
    share: Float[Tensor, " use"]
    traffic: Float[Tensor, " use"]

    def some(self, chosen: "Bool[Tensor, ' use'] | Int[Tensor, ' chosen']") -> "Uses":
        """A part of them."""
        return Uses(self.site[chosen], self.share[chosen], self.traffic[chosen])

    def __iter__(self) -> Iterator[Used]:
        """One after the other."""
        sized = zip(self.site.tolist(), self.share.tolist(), self.traffic.tolist(), strict=True)
        for (layer, head, side, query), share, traffic in sized:
            yield Used(Reader(layer, head, SIDES[side]), query, share, traffic)


def uses(trace: Trace, writer: Writer, at: int) -> Uses:
    """Every load of a head from one store; those with nothing to share are left out. Raises Undefined for cut runs."""
    refuse_cuts(trace)
    network, row = wiring(trace.weights), trace.store(writer)[0, at]
    found = [Uses(torch.empty(0, 4, dtype=torch.long), *torch.empty(2, 0, dtype=torch.float64))]
    for layer in range(trace.weights.architecture.n_layers):
        known: list[Side] = [side for side in SIDES if network.connects(writer, Reader(layer, 0, side))]
        if known:
            mine = loads(trace, layer)
            found += [_of(mine, side, _part(trace, writer, row, at, mine, side), at) for side in known]
    site, share, traffic = (
        torch.cat([one.site for one in found]),
        torch.cat([one.share for one in found]),
        torch.cat([one.traffic for one in found]),
    )
    return Uses(site, share, traffic).some(~share.isnan())


def _part(
    trace: Trace, writer: Writer, row: Float[Tensor, " d_model"], at: int, mine: Loads, side: Side
) -> Float[Tensor, "head d_head"]:
    """What a store is of q, k or v of every head of a layer."""
    reader = Reader(mine.layer, 0, side)
    if not is_beside(trace, writer):
        norm, scale = norm_of(trace, reader)
        row = through_norm(row[None, None], norm, scale[:1, at : at + 1])[0, 0]
    return mine.turned(side, torch.einsum("d,hde->he", row, mine.matrix(side))[:, None], at)[:, 0].double()


def _of(mine: Loads, side: Side, part: Float[Tensor, "head d_head"], at: int) -> Uses:
    """The loads of one side of the heads of a layer, of every query from ``at`` on; of Q ``at`` alone."""
    rows = mine.rows[:, at:, at]
    if side == "V":
        back = torch.einsum("he,hef->hf", part, mine.gram)
        size = (back * part).sum(-1, keepdim=True).clamp(min=0).sqrt()
        met, whole = torch.einsum("hie,he->hi", mine.z[:, at:], back), mine.squares[:, at:]
        share, traffic = shared(rows * met, whole, whole.sqrt() * size), rows * size
    elif side == "K":
        change = torch.einsum("hie,he->hi", mine.q[:, at:], part) * mine.scale
        share = shared(mine.directions[:, at:, at] * change, mine.contrast[:, at:], mine.size[:, at:])
        traffic = (rows * (1 - rows)).clamp(min=0).sqrt() * change.abs()
    else:
        scores = torch.einsum("hje,he->hj", mine.k, part) * mine.scale
        row = mine.rows[:, at]
        mean = (row * scores).sum(-1, keepdim=True)
        traffic = (row * (scores - mean).square()).sum(-1, keepdim=True).sqrt()
        meant = (mine.directions[:, at] * scores).sum(-1, keepdim=True)
        share = shared(meant, mine.contrast[:, at : at + 1], mine.size[:, at : at + 1])
    heads, queries = share.shape
    index = torch.cartesian_prod(torch.arange(heads), torch.arange(at, at + queries))
    where = torch.tensor([mine.layer, SIDES.index(side)]).expand(len(index), 2)
    site = torch.stack([where[:, 0], index[:, 0], where[:, 1], index[:, 1]], 1)
    return Uses(site, share.flatten().cpu(), traffic.flatten().cpu())


def loaded(trace: Trace) -> dict[str, Float[Tensor, " token"]]:
    """Of every store, by writer and token, the sum of its shares of all loads of heads: how many loads it makes up.

    Shares are linear in what is stored, so all that is loaded after a layer is one direction a token, which what was
    stored there meets. Raises Undefined for cut runs.
    """
    refuse_cuts(trace)
    weights, record = trace.weights, trace.record
    found: dict[Writer, Tensor] = {}
    writers = wiring(weights).writers
    stream = torch.zeros(trace.tokens.shape[1], weights.architecture.d_model).to(record.final)
    beside = stream
    for layer in reversed(range(-1, weights.architecture.n_layers)):
        heads = [writer for writer in writers if writer.layer == layer and writer.kind == "head"]
        if heads:
            back = torch.einsum("td,hed->the", stream, weights.wide(weights.layers[layer].W_O))
            met = torch.linalg.vecdot(record.layers[layer].z[0], back)
            found |= {writer: met[:, writer.index].double() for writer in heads}
        for writer in writers:
            if writer.layer == layer and writer.kind != "head":
                directions = beside if is_beside(trace, writer) else stream
                found[writer] = torch.linalg.vecdot(trace.store(writer)[0], directions).double()
        if layer >= 0:
            before, behind = loads(trace, layer).asked(trace)
            stream, beside = stream + before, beside + behind
    return {str(writer): found[writer] for writer in writers}
