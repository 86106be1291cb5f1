"""What the heads of one layer do: queries, keys, values, patterns, and what they mix."""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from loadstore.axes import HeadValues, Patterns, Stream
from loadstore.models.architecture import Architecture
from loadstore.models.edited import Edited, replacement
from loadstore.models.edits import By
from loadstore.models.norms import apply_gain, normalise, through_norm
from loadstore.models.weights import Layer, Norm
from loadstore.sites import POS, Side


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


def project(x: Stream, matrix: Float[Tensor, "head d_model d_head"], bias: Tensor | None) -> HeadValues:
    """x W + b for all heads at once."""
    flat = x @ matrix.transpose(0, 1).flatten(1)
    out = flat.unflatten(-1, (matrix.shape[0], matrix.shape[2]))
    return out if bias is None else out + bias


def allowed(tokens: int, window: int | None = None, device: torch.device | None = None) -> Bool[Tensor, "query key"]:
    """Which keys a query may see: none later, and at most ``window`` of them, its own included."""
    mask = torch.ones(tokens, tokens, dtype=torch.bool, device=device).tril()
    return mask if window is None else mask.triu(1 - window)


def causal_softmax(scores: Patterns, window: int | None = None) -> Patterns:
    """Softmax over the keys that a query may see."""
    return scores.masked_fill(~allowed(scores.shape[-1], window, scores.device), -torch.inf).softmax(-1)


def attend(
    shape: Architecture,
    index: int,
    layer: Layer,
    stream: Stream,
    beside: Tensor | None,
    edited: Edited,
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
        mask = None if window is None else allowed(stream.shape[1], window, stream.device)
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


def _ablate_head(z: HeadValues, head: int, by: By) -> HeadValues:
    """Replace one head's z; its store is linear in it, so the store becomes its own mean or zero."""
    values = z.clone()
    values[..., head, :] = replacement(z[..., head, :], by)
    return values
