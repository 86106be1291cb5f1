"""What a mean cut takes from a reader: a writer's store less its mean, through the norm and the reader's matrix.

    δ_t^w = T_t( (w_t − w̄) B )/σ_t      B = γ W, centred where the norm centres
    of a head (w_t − w̄) B = (z_t − z̄) W_O B

with T_t the head's own norm and rotary turn. All heads of a layer go through W_O B at once, so a part costs d_head²
a token and not d_model². Tests: tests/evidence/test_wires.py, against runs with the cut.
"""

from collections.abc import Callable, Collection
from typing import TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor

from loadstore.decomposition.decomposition import matrix_of, turned
from loadstore.decomposition.reading import is_beside, norm_of, refuse_cuts, through
from loadstore.errors import Undefined
from loadstore.execution.plan import replacement
from loadstore.execution.trace import Trace
from loadstore.model.norms import apply_gain, centred
from loadstore.model.wiring import wiring
from loadstore.sites import Reader, Writer

Mean: TypeAlias = Callable[[Writer], Tensor]  # of what a writer stores


def removed(
    trace: Trace, reader: Reader, writer: Writer, mean: Mean | None = None
) -> Float[Tensor, "batch token d_model"]:
    """What a mean cut takes from a reader's input, before the reader's matrix.

    The mean is that of ``cut``, over batch and tokens without the first position, unless another is given (that of a
    corpus). Raises Undefined for cut runs.
    """
    refuse_cuts(trace)
    store = trace.store(writer)
    usual = replacement(store, "mean") if mean is None else mean(writer)
    return through(trace, reader, writer, store - usual)


def deviations(
    trace: Trace, reader: Reader, mean: Mean | None = None, writers: Collection[Writer] | None = None
) -> dict[Writer, Float[Tensor, "batch token d_head"]]:
    """Return the same of every writer, or of some, in q, k or v. Raises Undefined for other readers and cut runs."""
    refuse_cuts(trace)
    if reader.is_unembed or reader.is_mlp:
        raise Undefined(f"{reader} has no q, k or v; ask for what a cut removes from its input")
    weights, record = trace.weights, trace.record
    known = [w for w in wiring(weights).writers_of(reader) if writers is None or w in writers]
    matrix, norm, _ = matrix_of(trace, reader)
    B = matrix if norm is None else centred(apply_gain(matrix.mT, norm), norm).mT
    _, scale = norm_of(trace, reader)
    found: dict[Writer, Tensor] = {}
    for layer in {writer.layer: None for writer in known if writer.kind == "head"}:
        heads = [writer for writer in known if writer.kind == "head" and writer.layer == layer]
        index = [writer.index for writer in heads]
        inner = weights.wide(weights.layers[layer].W_O)[index] @ B
        z = record.layers[layer].z[:, :, index].permute(2, 0, 1, 3)
        if mean is None:
            usual = torch.stack([replacement(each, "mean")[:1, :1] for each in z])
            parts = torch.einsum("hbte,hef->hbtf", z - usual, inner)
        else:
            usual = torch.stack([mean(writer) for writer in heads]) @ B
            parts = torch.einsum("hbte,hef->hbtf", z, inner) - usual[:, None, None]
        found |= dict(zip(heads, parts * scale, strict=True))
    for writer in known:
        if writer.kind != "head":
            store = trace.store(writer)
            rows = store - (replacement(store, "mean") if mean is None else mean(writer))
            found[writer] = rows @ matrix if is_beside(trace, writer) else (rows @ B) * scale
    if not known:
        return {}
    every = torch.stack([found[writer] for writer in known])
    return dict(zip(known, turned(trace, reader, every), strict=True))
