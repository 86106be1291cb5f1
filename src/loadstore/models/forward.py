"""The forward pass, once: pure, batched, differentiable, and readable from top to bottom.

Per layer, with x the normed stream (row vectors)::

    q, k = (x + p) W_Q + b_Q, (x + p) W_K + b_K        p = W_pos rows, shortformer only; rotary turns q and k
    v    = x W_V + b_V
    A    = softmax(q kᵀ / √d_head), causal
    z    = A v,   stream ← stream + Σ_heads z W_O + b_O
    stream ← stream + mlp(normed stream)               in a parallel block, of the stream before attention
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from loadstore.axes import HeadValues, Logits, Patterns, Stream, Tokens
from loadstore.models.architecture import Architecture
from loadstore.models.edits import Ablate, By, Cut, Edit
from loadstore.models.mlp import mlp_output
from loadstore.models.weights import Layer, Norm, Weights
from loadstore.sites import EMBED, POS, Side, Writer

TILE = 8192  # columns of the vocabulary


@dataclass
class LayerRecord:
    """What one layer did: its input, the norms' 1/σ; queries, keys, values a head; patterns, z = A v; its MLP."""

    stream: Stream
    inverse_scale: Float[Tensor, "batch token 1"]
    q: HeadValues
    k: HeadValues
    v: HeadValues
    pattern: Patterns
    z: HeadValues
    q_scale: Tensor | None = None
    k_scale: Tensor | None = None
    mlp: Stream | None = None
    mlp_inverse_scale: Float[Tensor, "batch token 1"] | None = None


@dataclass
class Record:
    """What a recorded pass keeps; everything else that a Trace tells is derived from it."""

    embed: Stream | None = None
    pos: Float[Tensor, "token d_model"] | None = None
    layers: list[LayerRecord] = field(default_factory=list[LayerRecord])
    final: Stream | None = None
    final_inverse_scale: Float[Tensor, "batch token 1"] | None = None


def normalise(stream: Stream, norm: Norm | None, eps: float) -> tuple[Stream, Float[Tensor, "batch token 1"]]:
    """LayerNorm or RMSNorm as (output, 1/σ); without a norm the stream itself and ones."""
    if norm is None:
        return stream, torch.ones_like(stream[..., :1])
    x = centred(stream, norm)
    inverse_scale = (x.pow(2).mean(-1, keepdim=True) + eps).rsqrt()
    out = apply_gain(x * inverse_scale, norm)
    return (out if norm.bias is None else out + norm.bias), inverse_scale


def centred(x: Tensor, norm: Norm) -> Tensor:
    """Without its mean where the norm removes it."""
    return x - x.mean(-1, keepdim=True) if norm.centres else x


def apply_gain(x: Tensor, norm: Norm) -> Tensor:
    """Multiply by γ where there is one."""
    return x if norm.gain is None else x * norm.gain


def through_norm(store: Stream, norm: Norm | None, inverse_scale: Float[Tensor, "batch token 1"]) -> Stream:
    """Send a part of the stream through a norm whose scale is frozen: linear, without β."""
    if norm is None:
        return store
    return apply_gain(centred(store, norm) * inverse_scale, norm)


def replacement(store: Tensor, by: By) -> Tensor:
    """What an ablated store becomes: zero, or its mean over batch and tokens, the first position left out."""
    if by == "zero":
        return torch.zeros_like(store)
    later = store[..., 1:, :] if store.shape[-2] > 1 else store
    return later.flatten(0, -2).mean(0).expand_as(store)


def project(x: Stream, matrix: Float[Tensor, "head d_model d_head"], bias: Tensor | None) -> HeadValues:
    """x W + b for all heads at once."""
    flat = x @ matrix.transpose(0, 1).flatten(1)
    out = flat.unflatten(-1, (matrix.shape[0], matrix.shape[2]))
    return out if bias is None else out + bias


def allowed(tokens: int, window: int | None = None) -> Bool[Tensor, "query key"]:
    """Which keys a query may see: none later, and at most ``window`` of them, its own included."""
    mask = torch.ones(tokens, tokens, dtype=torch.bool).tril()
    return mask if window is None else mask.triu(1 - window)


def causal_softmax(scores: Patterns, window: int | None = None) -> Patterns:
    """Softmax over the keys that a query may see."""
    return scores.masked_fill(~allowed(scores.shape[-1], window), -torch.inf).softmax(-1)


def _strongest(edits: Sequence[Edit]) -> list[Edit]:
    """Each edit once: a repeated one changes nothing more, and zero takes what a mean would have left."""
    zeros = [edit for edit in edits if edit.by == "zero"]
    means = [edit for edit in edits if edit.by == "mean" and replace(edit, by="zero") not in zeros]
    return list(dict.fromkeys([*zeros, *means]))


class _Edited:
    """The edits of one run, and the stores that its cuts need."""

    def __init__(self, edits: Sequence[Edit]) -> None:
        self.ablations: dict[Writer, By] = {e.writer: e.by for e in _strongest(edits) if isinstance(e, Ablate)}
        self.cuts = [e for e in _strongest(edits) if isinstance(e, Cut)]
        self.wanted = {e.writer for e in self.cuts}
        self.stores: dict[Writer, Tensor] = {}

    def store(self, writer: Writer, value: Tensor) -> Tensor:
        """Ablate a writer's value if asked, and keep it if a cut will need it."""
        if writer in self.ablations:
            value = replacement(value, self.ablations[writer])
        if writer in self.wanted:
            self.stores[writer] = value
        return value

    def removed(self, edit: Cut, like: Stream) -> Stream:
        """What a cut takes away: the store less its replacement, for every prompt and token of ``like``."""
        store = self.stores[edit.writer]
        return (store - replacement(store, edit.by)).expand_as(like)

    def at(self, layer: int, side: Side | Literal["mlp"]) -> list[Cut]:
        """The cuts on one side of one layer's heads, or on its MLP."""
        return [e for e in self.cuts if e.reader.layer == layer and e.reader.side == side]


def forward(
    weights: Weights,
    tokens: Tokens,
    edits: Sequence[Edit] = (),
    record: Record | None = None,
    offset: int = 0,
) -> Logits:
    """Logits of a batch; fills ``record`` if one is given. ``offset`` is the position of the first token."""
    shape = weights.architecture
    edited = _Edited(edits)
    shortformer = shape.positions == "shortformer"
    embed = edited.store(EMBED, weights.wide(F.embedding(tokens, weights.W_E)))
    pos = None
    if weights.W_pos is not None:
        pos = edited.store(POS, weights.wide(weights.W_pos[offset : offset + tokens.shape[1]]))
    stream = embed if pos is None or shortformer else embed + pos
    if record is not None:
        record.embed, record.pos = embed, pos

    for index in range(shape.n_layers):
        layer = weights.layer(index)
        step = _attend(
            shape, index, layer, stream, pos if shortformer else None, edited, offset, keep=record is not None
        )
        before, stream = stream, stream + step.z.flatten(2) @ layer.W_O.flatten(0, 1)
        if layer.b_O is not None:
            stream = stream + edited.store(Writer("bias", index), layer.b_O.expand(1, 1, -1))
        if layer.mlp is not None and shape.mlp is not None:
            read = before if shape.mlp.parallel else stream
            x, step.mlp_inverse_scale = normalise(read, layer.mlp.norm, shape.eps)
            for edit in edited.at(index, "mlp"):
                x = x - through_norm(edited.removed(edit, x), layer.mlp.norm, step.mlp_inverse_scale)
            step.mlp = edited.store(Writer("mlp", index), mlp_output(x, layer.mlp, shape.mlp.activation))
            stream = stream + step.mlp
        if record is not None:
            record.layers.append(step)

    norm = weights.norm(None)
    x, inverse_scale = normalise(stream, norm, shape.eps)
    for edit in edited.cuts:
        if edit.reader.is_unembed:
            x = x - through_norm(edited.removed(edit, x), norm, inverse_scale)
    if record is not None:
        record.final, record.final_inverse_scale = stream, inverse_scale
    return unembed(weights, x)


def _attend(
    shape: Architecture,
    index: int,
    layer: Layer,
    stream: Stream,
    beside: Tensor | None,
    edited: _Edited,
    offset: int,
    *,
    keep: bool,
) -> LayerRecord:
    """What the heads of one layer do; ``beside``: positions that Q and K read beside the stream."""
    x, inverse_scale = normalise(stream, layer.norm, shape.eps)
    qk_input = x if beside is None else x + beside
    shared = [shape.kv(head) for head in range(shape.n_heads)]

    def side(
        name: Side, read: Stream, matrix: Tensor, bias: Tensor | None, norm: Norm | None
    ) -> tuple[Tensor, Tensor | None]:
        values = project(read, matrix, bias)
        if name != "Q" and shape.kv_heads < shape.n_heads:
            values = values[:, :, shared]
        scale = None if norm is None else normalise(values, norm, shape.eps)[1]
        for edit in edited.at(index, name):
            loss = edited.removed(edit, x)
            if not (edit.writer == POS and beside is not None):
                loss = through_norm(loss, layer.norm, inverse_scale)
            head = edit.reader.index
            values[..., head, :] -= loss @ matrix[head if name == "Q" else shared[head]]
        return (values if scale is None or norm is None else apply_gain(values * scale, norm)), scale

    q, q_scale = side("Q", qk_input, layer.W_Q, layer.b_Q, layer.q_norm)
    k, k_scale = side("K", qk_input, layer.W_K, layer.b_K, layer.k_norm)
    v, _ = side("V", x, layer.W_V, layer.b_V, None)
    if shape.rotary is not None:
        q, k = shape.rotary.at(q, offset), shape.rotary.at(k, offset)
    window = shape.window(index)
    if keep:
        pattern = causal_softmax(q.transpose(1, 2) @ k.transpose(1, 2).mT / math.sqrt(shape.d_head), window)
        z = (pattern @ v.transpose(1, 2)).transpose(1, 2)
    else:
        pattern = stream.new_empty(len(stream), shape.n_heads, 0, 0)  # nobody will ask
        mask = None if window is None else allowed(stream.shape[1], window)
        z = F.scaled_dot_product_attention(
            q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2), attn_mask=mask, is_causal=mask is None
        ).transpose(1, 2)
    for writer in edited.ablations:
        if writer.kind == "head" and writer.layer == index:
            z = _ablate_head(z, writer.index, edited.ablations[writer])
    for writer in edited.wanted:
        if writer.kind == "head" and writer.layer == index:
            edited.stores[writer] = z[..., writer.index, :] @ layer.W_O[writer.index]
    return LayerRecord(stream, inverse_scale, q, k, v, pattern, z, q_scale, k_scale)


def unembed(weights: Weights, x: Stream) -> Logits:
    """x W_U + b_U; a W_U that is stored narrow widens a tile of the vocabulary at a time."""
    if weights.W_U.dtype == weights.dtype:
        logits = x @ weights.W_U
    else:
        logits = torch.cat([x @ weights.wide(tile) for tile in weights.W_U.split(TILE, 1)], -1)
    return logits if weights.b_U is None else logits + weights.wide(weights.b_U)


def _ablate_head(z: HeadValues, head: int, by: By) -> HeadValues:
    """Replace one head's z; its store is linear in it, so the store becomes its own mean or zero."""
    values = z.clone()
    values[..., head, :] = replacement(z[..., head, :], by)
    return values
