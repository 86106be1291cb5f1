"""The part that a mean cut removes from a reader: store minus mean, through the norm and the reader's matrix.

    δ_t^w = T_t( (w_t − w̄) B )/σ_t      B = γ W, centred where the norm centres
    for heads, (w_t − w̄) B = (z_t − z̄) W_O B

Here T_t is the head's own norm and rotary rotation. All heads of a layer share one product with W_O B, so a part costs
d_head² per token, not d_model². Tests: tests/evidence/test_wires.py, against runs with the cut.
a token and not d_model². Tests: tests/evidence/test_wires.py, against runs with the cut.
"""

from collections.abc import Callable, Collection
from typing import TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor

from loadstore.decomposition.decomposition import turned
from loadstore.decomposition.reading import norm_of, refuse_cuts, through
from loadstore.errors import Undefined
from loadstore.execution.plan import replacement
from loadstore.execution.trace import Trace
from loadstore.model.ports import banks, fold, reading
from loadstore.model.wiring import wiring
from loadstore.sites import Reader, Writer

Mean: TypeAlias = Callable[[Writer], Tensor]  # the mean of a writer's store


def removed(
    trace: Trace, reader: Reader, writer: Writer, mean: Mean | None = None
) -> Float[Tensor, "batch token d_model"]:
    """The part that a mean cut removes from a reader's input, before the reader's matrix.

    By default the mean is that of ``cut``: over batch and tokens except the first position. ``mean`` replaces it, for
    example by the mean of a corpus. Raises Undefined for a run with cuts.
    """
    refuse_cuts(trace)
    store = trace.store(writer)
    usual = replacement(store, "mean") if mean is None else mean(writer)
    return through(trace, reader, writer, store - usual)


def deviations(
    trace: Trace, reader: Reader, mean: Mean | None = None, writers: Collection[Writer] | None = None
) -> dict[Writer, Float[Tensor, "batch token d_head"]]:
    """Return ``removed`` in q, k or v for all or some writers. Raises Undefined for other readers and cut runs."""
    refuse_cuts(trace)
    if reader.is_unembed or reader.is_mlp:
        raise Undefined(f"{reader} has no q, k or v; ask for what a cut removes from its input")
    weights, record = trace.weights, trace.record
    asked = [w for w in wiring(weights).writers_of(reader) if writers is None or w in writers]
    port = reading(weights, reader)
    matrix, norm = port.matrix, port.norm
    B = fold(matrix, norm)
    _, scale = norm_of(trace, reader)
    stacked: list[Tensor] = []
    for bank in banks(weights, asked):
        inner, read = record.inner(bank.writers), matrix if bank.bypasses_norm else B
        if mean is None:
            usual = torch.stack([replacement(each, "mean")[:1, :1] for each in inner.unbind(2)], 2)
            parts = bank.through(inner - usual, read)
        else:
            parts = bank.through(inner, read) - torch.stack([mean(writer) for writer in bank.writers]) @ read
        parts = parts.movedim(2, 0)
        stacked.append(parts if bank.bypasses_norm else parts * scale)
    if not asked:
        return {}
    return dict(zip(asked, turned(trace, reader, torch.cat(stacked)), strict=True))
