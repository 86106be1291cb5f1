"""The loads that used one store: of every later head, side and query, the exact share that the store makes up.

With d_i = A_i − 1/n over the keys that query i may see, and the contrast C_i = Σ_j d_ij s_ij of its row:

    V   A_it ⟨o^c_t, o_i⟩ / ‖o_i‖²      K   d_it q_i · k^c_t / C_i      Q (i = t)   q^c_t · Σ_j d_tj k_j / C_t

o^c, k^c, q^c being what the store is to the reader, its norm's scale frozen. Over all stores, and ``const``, the shares
of one load sum to 1 (prompts/address.py, ``about="row"``). Traffic of the store alone, as in evidence/exact.py:

    V   A_it ‖o^c_t‖      K   √(A_it (1 − A_it)) |q_i · k^c_t| /√d_head      Q   √Var_{j∼A_t}(q^c_t · k_j) /√d_head
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from loadstore.models.attention import allowed
from loadstore.models.trace import Trace
from loadstore.models.wiring import wiring
from loadstore.prompts.decomposition import matrix_of, turned
from loadstore.prompts.projections import Question, projections
from loadstore.prompts.reading import read_at, refuse_cuts
from loadstore.prompts.sides import VANISHED
from loadstore.sites import SIDES, Reader, Writer


@dataclass(frozen=True)
class Used:
    """One load: the share of it that a store makes up, and how much of the store it took."""

    reader: Reader
    query: int
    share: float
    traffic: float


def uses(trace: Trace, writer: Writer, at: int) -> list[Used]:
    """Every load of a head from one store; those with nothing to share are left out. Raises Undefined for cut runs."""
    refuse_cuts(trace)
    network, found = wiring(trace.weights), list[Used]()
    for reader in network.readers:
        if reader.side in SIDES and network.connects(writer, reader):
            found += _of(trace, writer, reader, at)
    return found


def _of(trace: Trace, writer: Writer, reader: Reader, at: int) -> list[Used]:
    """The loads of one side of one head."""
    matrix, _, _ = matrix_of(trace, reader)
    rows = read_at(trace, reader, (writer,), at) @ matrix
    part = turned(trace, reader, rows[None], at)[0, 0].double()
    shares, traffic = _sized(trace, reader, part, at)
    queries = range(at, at + 1) if reader.side == "Q" else range(at, len(shares) + at)
    values = zip(queries, shares.tolist(), traffic.tolist(), strict=True)
    return [Used(reader, query, share, size) for query, share, size in values if share == share]


def _sized(
    trace: Trace, reader: Reader, part: Float[Tensor, " d_head"], at: int
) -> tuple[Float[Tensor, " query"], Float[Tensor, " query"]]:
    """Share and traffic at every query from ``at`` on; of Q at ``at`` alone. NaN where there is nothing to share."""
    record, head = trace.record.layers[reader.layer], reader.index
    rows = record.pattern[0, head].double()
    if reader.side == "V":
        W_O = trace.weights.head(reader.head).W_O.double()
        stored = record.z[0, at:, head].double() @ W_O
        mine, size, weight = part @ W_O, stored.square().sum(-1), rows[at:, at]
        return _part(weight * (stored @ mine), size, size.sqrt() * mine.norm()), weight * mine.norm()
    q, k = record.q[0, :, head].double(), record.k[0, :, head].double()
    scale = trace.weights.architecture.d_head**-0.5
    directions, contrast, size = _contrasts(trace, reader.layer, head)
    if reader.side == "Q":
        scores = k[: at + 1] @ part * scale
        row = rows[at, : at + 1]
        variance = (row * (scores - row @ scores).square()).sum()
        share = _part((directions[at] @ k @ part * scale)[None], contrast[at : at + 1], size[at : at + 1])
        return share, variance.sqrt()[None]
    change = q[at:] @ part * scale
    weight = rows[at:, at]
    seen = (weight * (1 - weight)).clamp(min=0).sqrt() * change.abs()
    return _part(directions[at:, at] * change, contrast[at:], size[at:]), seen


def _part(part: Tensor, whole: Tensor, size: Tensor) -> Tensor:
    """A part of the whole; NaN where the whole is nothing beside the numbers that it is the sum of."""
    return torch.where(whole.abs() > VANISHED * size, part / whole, torch.nan)


def loaded(trace: Trace) -> dict[str, Float[Tensor, " token"]]:
    """Of every store, by writer and token, the sum of its shares of all loads of heads: how many loads it makes up."""
    refuse_cuts(trace)
    shape = trace.weights.architecture
    total: dict[str, Tensor] = {}
    for layer in range(shape.n_layers):
        questions = [question for head in range(shape.n_heads) for question in _questions(trace, layer, head)]
        for answer in projections(trace, questions):
            for name, values in answer.items():
                total[name] = total.get(name, 0.0) + values.double()
    return total


def _questions(trace: Trace, layer: int, head: int) -> list[Question]:
    """Directions whose product with a part of q, k or v is its share of all loads of one head, summed over queries."""
    record, shape = trace.record.layers[layer], trace.weights.architecture
    rows = record.pattern[0, head].double()
    q, k = record.q[0, :, head].double(), record.k[0, :, head].double()
    directions, contrast, size = _contrasts(trace, layer, head)
    scale = shape.d_head**-0.5
    whole = _part(torch.full_like(contrast, scale), contrast, size).nan_to_num(0.0)[:, None]
    reader = Reader(layer, head, "V")
    W_O = trace.weights.head(reader.head).W_O.double()
    stored = record.z[0, :, head].double() @ W_O
    weighed = stored / stored.square().sum(-1, keepdim=True).clamp(min=torch.finfo(stored.dtype).tiny)
    return [
        Question(Reader(layer, head, "Q"), (directions @ k) * whole),
        Question(Reader(layer, head, "K"), directions.mT @ (q * whole)),
        Question(reader, rows.mT @ weighed @ W_O.mT),
    ]


def _contrasts(trace: Trace, layer: int, head: int) -> tuple[Tensor, Tensor, Tensor]:
    """Per query: the weights d over keys, the contrast that they make of the scores, and the size of the scores."""
    record = trace.record.layers[layer]
    rows = record.pattern[0, head].double()
    q, k = record.q[0, :, head].double(), record.k[0, :, head].double()
    scale = trace.weights.architecture.d_head**-0.5
    seen = allowed(len(rows), trace.weights.architecture.window(layer), rows.device)
    directions = torch.where(seen, rows - 1 / seen.sum(-1, keepdim=True).double(), 0.0)
    return directions, ((directions @ k) * q).sum(-1) * scale, q.norm(dim=-1) * k.norm(dim=-1).max() * scale
