"""The part of a pass that comes after one layer's change, several changes at a time; what came before is recorded."""

from typing import TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor

from loadstore.axes import Stream
from loadstore.execution.forward import through_layers, unembed
from loadstore.execution.plan import Edited
from loadstore.execution.trace import Trace
from loadstore.model.mlp import mlp_output
from loadstore.model.norms import normalise
from loadstore.model.ports import heads_out
from loadstore.sites import Reader

Target: TypeAlias = tuple[int, int]  # at, token
ROWS = 512  # of logits at a time


def mlp_reads(trace: Trace, layer: int) -> Stream:
    """The stream that a layer's MLP reads: after its heads, or before them in a parallel block."""
    mlp = trace.weights.architecture.mlp
    record = trace.record.layers[layer]
    return record.stream if mlp is not None and mlp.parallel else after_heads(trace, layer)


def after_heads(trace: Trace, layer: int) -> Stream:
    """The stream with what a layer's heads stored."""
    weights, record = trace.weights, trace.record.layers[layer]
    stream = record.stream + record.inner.flatten(2) @ heads_out(weights, layer).flatten(0, 1)
    return stream if record.bias is None else stream + record.bias


def head_stores_more(trace: Trace, reader: Reader, mixed: Float[Tensor, "batch token d_head"]) -> tuple[Stream, Stream]:
    """How much more a head stores when it mixes ``mixed`` more, and all heads of its layer together.

    The two differ where a norm after the heads has one scale for all of them.
    """
    weights, record = trace.weights, trace.record.layers[reader.layer]
    out, part = heads_out(weights, reader.layer)[reader.index], weights.layer(reader.layer)
    if record.after_heads is None:
        return mixed @ out, mixed @ out
    z = record.inner / record.after_heads[..., None]
    raw = heads_out(weights, reader.layer, "ignore")
    before = z.flatten(2) @ raw.flatten(0, 1)
    eps = weights.architecture.eps
    after, scale = normalise(before + mixed @ raw[reader.index], part.after_heads, eps)
    own = (z[:, :, reader.index] + mixed) * scale - record.inner[:, :, reader.index]
    return own @ out, after - normalise(before, part.after_heads, eps)[0]


def mlp_stores(trace: Trace, layer: int, stream: Stream, without: Stream | None = None) -> Stream:
    """What a layer's MLP stores when it reads ``stream``, a part taken from its normed input."""
    weights, shape = trace.weights, trace.weights.architecture
    part = weights.layer(layer).mlp
    assert part is not None
    assert shape.mlp is not None
    x, _ = normalise(stream, part.norm, shape.eps)
    return mlp_output(x if without is None else x - without, part, shape.mlp.activation, shape.eps)


def final_stream(trace: Trace, layer: int, changes: Float[Tensor, "variant token d_model"], *, mlp: bool) -> Stream:
    """What the unembedding reads when a layer's heads (or its MLP) store so much more; variants of the whole batch."""
    weights, shape, record = trace.weights, trace.weights.architecture, trace.record
    many = len(changes) // len(trace.tokens)
    stream = after_heads(trace, layer).repeat(many, 1, 1)
    if not mlp:
        stream = stream + changes
    if shape.mlp is not None:
        changed = not mlp and not shape.mlp.parallel
        old = record.layers[layer].mlp
        assert old is not None
        stream = stream + (mlp_stores(trace, layer, stream) if changed else old.repeat(many, 1, 1))
    if mlp:
        stream = stream + changes
    beside = record.pos if shape.positions_bypass_norm else None
    return through_layers(weights, layer + 1, stream, beside, Edited(weights))


def target_log_probability(trace: Trace, stream: Stream, target: Target | None) -> Float[Tensor, " variant"]:
    """Log-probability of what follows, mean over tokens, or of one token after ``at``, for every variant of a batch."""
    x, _ = normalise(stream, trace.weights.norm(None), trace.weights.architecture.eps)
    many = len(stream) // len(trace.tokens)
    if target is not None:
        rows, expected = x[:, target[0]], torch.tensor([target[1]]).expand(len(x))
    else:
        rows, expected = x[:, :-1].flatten(0, 1), trace.tokens[:, 1:].repeat(many, 1).flatten()
    found = [
        unembed(trace.weights, some[None])[0].log_softmax(-1).gather(1, ids[:, None].to(some.device))[:, 0]
        for some, ids in zip(rows.split(ROWS), expected.split(ROWS), strict=True)
    ]
    return torch.cat(found).view(many, -1).mean(1)
