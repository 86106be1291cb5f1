"""The forward pass, once: pure, batched, differentiable, and readable from top to bottom.

Per layer, with x the normed stream (row vectors)::

    q, k = (x + p) W_Q + b_Q, (x + p) W_K + b_K        p = W_pos rows, shortformer only; rotary turns q and k
    v    = x W_V + b_V
    A    = softmax(q kᵀ / √d_head), causal
    z    = A v,   stream ← stream + Σ_heads z W_O + b_O
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from loadstore.axes import HeadValues, Logits, Patterns, Stream, Tokens
from loadstore.models.edits import Ablate, By, Cut, Edit
from loadstore.models.weights import Norm, Weights
from loadstore.sites import EMBED, POS, Side, Writer


@dataclass
class LayerRecord:
    """What one layer did: its input, the norm's 1/σ, queries, keys, values, patterns and z = A v."""

    stream: Stream
    inverse_scale: Float[Tensor, "batch token 1"]
    q: HeadValues
    k: HeadValues
    v: HeadValues
    pattern: Patterns
    z: HeadValues


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


def causal_softmax(scores: Patterns) -> Patterns:
    """Softmax over the keys that a query may see."""
    tokens = scores.shape[-1]
    allowed = torch.ones(tokens, tokens, dtype=torch.bool, device=scores.device).tril()
    return scores.masked_fill(~allowed, -torch.inf).softmax(-1)


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

    def at(self, layer: int, side: Side) -> list[Cut]:
        """The cuts on one side of one layer's heads."""
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
    embed = edited.store(EMBED, F.embedding(tokens, weights.W_E))
    pos = None
    if weights.W_pos is not None:
        pos = edited.store(POS, weights.W_pos[offset : offset + tokens.shape[1]])
    stream = embed if pos is None or shortformer else embed + pos
    if record is not None:
        record.embed, record.pos = embed, pos

    for index, layer in enumerate(weights.layers):
        x, inverse_scale = normalise(stream, layer.norm, shape.eps)
        qk_input = x + pos if pos is not None and shortformer else x
        q = project(qk_input, layer.W_Q, layer.b_Q)
        k = project(qk_input, layer.W_K, layer.b_K)
        v = project(x, layer.W_V, layer.b_V)
        sides: tuple[tuple[Side, Tensor, Tensor], ...] = (("Q", q, layer.W_Q), ("K", k, layer.W_K), ("V", v, layer.W_V))
        for side, values, matrix in sides:
            for edit in edited.at(index, side):
                raw = edit.writer == POS and shortformer
                loss = edited.removed(edit, x)
                loss = loss if raw else through_norm(loss, layer.norm, inverse_scale)
                values[..., edit.reader.index, :] -= loss @ matrix[edit.reader.index]

        if shape.rotary is not None:
            q, k = shape.rotary.at(q, offset), shape.rotary.at(k, offset)
        q, k, v = q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2)
        pattern = None if record is None else causal_softmax(q @ k.mT / math.sqrt(shape.d_head))
        z = F.scaled_dot_product_attention(q, k, v, is_causal=True) if pattern is None else pattern @ v
        z = z.transpose(1, 2)
        for writer in edited.ablations:
            if writer.kind == "head" and writer.layer == index:
                z = _ablate_head(z, writer.index, edited.ablations[writer])
        if record is not None and pattern is not None:
            record.layers.append(
                LayerRecord(stream, inverse_scale, q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2), pattern, z)
            )
        for writer in edited.wanted:
            if writer.kind == "head" and writer.layer == index:
                edited.stores[writer] = z[..., writer.index, :] @ layer.W_O[writer.index]
        stream = stream + z.flatten(2) @ layer.W_O.flatten(0, 1)
        if layer.b_O is not None:
            stream = stream + edited.store(Writer("bias", index), layer.b_O.expand(1, 1, -1))

    x, inverse_scale = normalise(stream, weights.final_norm, shape.eps)
    for edit in edited.cuts:
        if edit.reader.is_unembed:
            x = x - through_norm(edited.removed(edit, x), weights.final_norm, inverse_scale)
    if record is not None:
        record.final, record.final_inverse_scale = stream, inverse_scale
    logits = x @ weights.W_U
    return logits if weights.b_U is None else logits + weights.b_U


def _ablate_head(z: HeadValues, head: int, by: By) -> HeadValues:
    """Replace one head's z; its store is linear in it, so the store becomes its own mean or zero."""
    values = z.clone()
    values[..., head, :] = replacement(z[..., head, :], by)
    return values
