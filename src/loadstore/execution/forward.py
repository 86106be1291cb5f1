"""The forward pass, once: pure, batched, differentiable, and readable from top to bottom.

Per layer, with x the normed stream (row vectors)::

    q, k = (x + p) W_Q + b_Q, (x + p) W_K + b_K        p = W_pos rows, shortformer only; rotary turns q and k
    v    = x W_V + b_V
    A    = softmax(c q kᵀ), causal                      c = 1/√d_head, unless the architecture says another;
                                                        c q kᵀ may pass a soft cap, and so may the logits
    z    = A v,   stream ← stream + N(Σ_heads z W_O + b_O)
    stream ← stream + N(mlp(normed stream))            in a parallel block, of the stream before attention

N is a norm after the block, where there is one.
"""

from collections.abc import Iterable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from loadstore.axes import Logits, Stream, Tokens
from loadstore.execution.attention import attend, store
from loadstore.execution.changes import Changes, Denial, Loss
from loadstore.execution.denials import storing
from loadstore.execution.edits import Edit
from loadstore.execution.extent import Extent
from loadstore.execution.plan import Edited
from loadstore.execution.record import LayerRecord, Record
from loadstore.execution.unembedding import unembed
from loadstore.model.layers import Layer, MlpLayer, Norm
from loadstore.model.mlp import mlp_sum
from loadstore.model.norms import less_beta, normalise, through_norm
from loadstore.model.opened import is_opened, opened_store
from loadstore.model.ports import EmbedWriting, PosWriting
from loadstore.model.routing import router_scores, routing
from loadstore.model.weights import Weights
from loadstore.model.wiring import mlp_sites
from loadstore.sites import EMBED, INSIDE, POS, Reader, Writer
from loadstore.threads import threads_for

ALL = slice(None)
WHOLE = Extent()


def forward(
    weights: Weights,
    tokens: Tokens,
    edits: Sequence[Edit] = (),
    record: Record | None = None,
    offset: int = 0,
    extent: Extent = WHOLE,
) -> Logits:
    """Logits of a batch; fills ``record`` if one is given. ``offset`` is the position of the first token."""
    weights = storing(weights, edits)
    edited = Edited(weights, edits, extent=extent)
    stream, beside = embedded(weights, tokens, edited, record, offset)
    stream = through_layers(weights, 0, stream, beside, edited, record, offset)
    return unembed(weights, read_last(weights, stream, edited, record))


def embedded(
    weights: Weights, tokens: Tokens, edited: Changes, record: Record | None = None, offset: int = 0
) -> tuple[Stream, Tensor | None]:
    """The stream that layer 0 finds, and positions that Q and K read beside the stream."""
    embed = edited.store(EMBED, EmbedWriting(weights, EMBED).given(tokens, tokens))
    pos = None
    if weights.architecture.has_pos:
        positions = torch.arange(offset, offset + tokens.shape[1])
        pos = edited.store(POS, PosWriting(weights, POS).given(tokens, positions))
    bypassing = weights.architecture.positions_bypass_norm
    if record is not None:
        record.embed, record.pos = embed, pos
    return (embed, pos) if pos is None or bypassing else (embed + pos, None)


def read_last(weights: Weights, stream: Stream, edited: Changes, record: Record | None = None) -> Stream:
    """What the unembedding reads: the last stream through the final norm, less what is cut."""
    norm = weights.norm(None)
    x, inverse_scale = normalise(stream, norm, weights.architecture.eps, edited.scale("final"))
    if record is not None:
        record.final, record.final_inverse_scale = stream, inverse_scale
    x = _denied(x, edited.denials(-1, ""), norm)
    return _without(x, edited.losses(-1, ""), norm, inverse_scale)


def through_layers(
    weights: Weights,
    start: int,
    stream: Stream,
    beside: Tensor | None,
    edited: Changes,
    record: Record | None = None,
    offset: int = 0,
    at: int | None = None,
    past: Record | None = None,
) -> Float[Tensor, "batch row d_model"]:
    """What the unembedding finds when layer ``start`` finds ``stream``; at token ``at`` alone if the last layer ran."""
    depth = weights.architecture.n_layers
    with threads_for(stream.shape[:-1].numel() * width(weights)):
        for index in range(start, depth):
            before, only = None if past is None else past.layers[index], at if index == depth - 1 else None
            keep = record is not None
            stream = edited.store(Writer("stream", index), stream)
            step, stream = through_layer(weights, index, stream, beside, edited, offset, only, keep=keep, past=before)
            if record is not None:
                record.layers.append(step)
    return stream


def _without(
    x: Stream, losses: Iterable[Loss], norm: Norm | None, inverse_scale: Tensor, tokens: slice = ALL
) -> Stream:
    """A normed stream, of some tokens, without what is taken from its reader."""
    for loss in losses:
        value = loss.value[..., tokens, :].expand_as(x[loss.rows])
        part = through_norm(value, norm, inverse_scale[loss.rows])
        x = x.clone()
        x[loss.rows] -= part
    return x


def _denied(x: Stream, denials: Iterable[Denial], norm: Norm | None) -> Stream:
    """A normed stream without what its reader may not load."""
    for denial in denials:
        x = x.clone()
        x[denial.rows] -= denial.out.of_read(less_beta(x[denial.rows], norm))
    return x


def through_layer(
    weights: Weights,
    index: int,
    stream: Stream,
    beside: Tensor | None,
    edited: Changes,
    offset: int = 0,
    only: int | None = None,
    *,
    keep: bool = False,
    past: LayerRecord | None = None,
) -> tuple[LayerRecord, Float[Tensor, "batch row d_model"]]:
    """One layer: what it did, and the stream after it; ``beside``: positions that Q and K read beside the stream.

    ``only``: the one token whose stream is asked for.
    """
    shape, layer = weights.architecture, weights.layer(index)
    step = attend(shape, index, layer, stream, beside, edited, offset, keep=keep, past=past)
    return step, after_attention(weights, index, layer, stream, step, edited, only)


def after_attention(
    weights: Weights,
    index: int,
    layer: Layer,
    stream: Stream,
    step: LayerRecord,
    edited: Changes,
    only: int | None = None,
) -> Float[Tensor, "batch row d_model"]:
    """The stream after a layer, widened, whose heads did ``step``, which keeps what the layer stores."""
    shape = weights.architecture
    tokens = ALL if only is None else slice(only, only + 1)
    before = stream[:, tokens]
    stream = before + store(shape, index, layer, step, edited, tokens)
    if layer.b_O is not None:
        step.bias = edited.store(Writer("bias", index), layer.b_O.expand(stream.shape))
        stream = stream + step.bias
    if layer.mlp is not None and shape.mlp is not None:
        read = before if shape.mlp.parallel else stream
        stream = stream + _mlp(weights, index, layer, read, step, edited, tokens)
    return stream


def _mlp(
    weights: Weights, index: int, layer: Layer, read: Stream, step: LayerRecord, edited: Changes, tokens: slice
) -> Stream:
    """What an MLP stores, kept in ``step`` with the scale of its norm."""
    shape = weights.architecture
    assert layer.mlp is not None
    x, step.mlp_inverse_scale = normalise(read, layer.mlp.norm, shape.eps, edited.scale("mlp", index))
    if is_opened(weights, index):
        return _opened(weights, index, layer.mlp, x, step, edited, tokens)
    x = _denied(x, edited.denials(index, "mlp"), layer.mlp.norm)
    x = _without(x, edited.losses(index, "mlp"), layer.mlp.norm, step.mlp_inverse_scale, tokens)
    if layer.mlp.experts is not None and shape.experts is not None:
        step.router = router_scores(x, layer.mlp.experts)
        step.routing = routing(step.router, layer.mlp.experts, shape.experts)
    stored = mlp_sum(x, layer.mlp, shape, step.routing)
    if layer.mlp.after is not None:
        stored, step.after_mlp = normalise(stored, layer.mlp.after, shape.eps, edited.scale("after_mlp", index))
    step.mlp = edited.store(Writer("mlp", index), stored)
    return step.mlp


def _opened(
    weights: Weights, index: int, mlp: MlpLayer, x: Stream, step: LayerRecord, edited: Changes, tokens: slice
) -> Stream:
    """What an MLP stores whose experts are sites, kept in ``step`` site by site; each loads ``x`` less its own cuts."""
    scale = step.mlp_inverse_scale
    assert scale is not None
    losses = [loss for side in INSIDE for loss in edited.losses(index, side)]

    def loaded(reader: Reader) -> Stream:
        return _without(x, [loss for loss in losses if loss.reader == reader], mlp.norm, scale, tokens)

    stored, step.router, step.routing = opened_store(weights.architecture, index, mlp, loaded)
    writers = mlp_sites(weights, index)[0]
    step.parts = torch.stack([edited.store(writer, stored[:, :, at]) for at, writer in enumerate(writers)], 2)
    step.mlp = step.parts.sum(2)
    return step.mlp


def width(weights: Weights) -> int:
    """Multiplications per token of a layer's largest product."""
    shape = weights.architecture
    return shape.d_model * max(shape.n_heads * shape.d_head, shape.used_width)
