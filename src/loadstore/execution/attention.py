"""What the heads of one layer do: queries, keys, values, patterns, and what they mix."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from loadstore.axes import HeadValues, Mixed, Stream
from loadstore.errors import Undefined
from loadstore.execution.changes import Changes
from loadstore.execution.patterns import allowed, loaded, patterns
from loadstore.execution.record import LayerRecord
from loadstore.model.architecture import Architecture
from loadstore.model.caps import capped
from loadstore.model.layers import Layer, Norm
from loadstore.model.norms import UNGAINED, apply_gain, centred, less_beta, normalise, of_heads, through_norm
from loadstore.model.points import SCALES
from loadstore.model.recency import recency
from loadstore.model.sinks import beside_sinks, softmax_beside
from loadstore.sites import POS, Side


def project(x: Stream, matrix: Float[Tensor, "head d_model d_head"], bias: Tensor | None) -> HeadValues:
    """x W + b for all heads at once. Files store the matrices of a layer transposed, one below the other: no copy."""
    flat = x @ matrix.mT.flatten(0, 1).mT
    out = flat.unflatten(-1, (matrix.shape[0], matrix.shape[2]))
    return out if bias is None else out + bias


def attend(
    shape: Architecture,
    index: int,
    layer: Layer,
    stream: Stream,
    beside: Tensor | None,
    edited: Changes,
    offset: int,
    *,
    keep: bool,
    past: LayerRecord | None = None,
) -> LayerRecord:
    """What the heads of one layer do; ``beside``: positions that Q and K read beside the stream.

    ``past``: what this layer did in a run that is the same for the ``offset`` tokens before; nothing is kept then.
    """
    x, inverse_scale = normalise(stream, layer.norm, shape.eps, edited.scale("heads", index))
    qk_input = x if beside is None else x + beside
    shared = [shape.kv(head) for head in range(shape.n_heads)]
    copied = torch.tensor(shared, device=stream.device)

    def side(
        name: Side, read: Stream, matrix: Tensor, bias: Tensor | None, norm: Norm | None
    ) -> tuple[Tensor, Tensor | None]:
        values = project(read, matrix, bias)
        if name != "Q" and shape.kv_heads < shape.n_heads:
            values = values.index_select(2, copied)
        for denial in edited.denials(index, name):
            part, head = less_beta(read[denial.rows], layer.norm), denial.reader.index
            inside = matrix[head] if name == "Q" else matrix[shared[head]]
            values[denial.rows, :, head] -= denial.out.of_read(part) @ inside
        frozen, latent = edited.scale(SCALES[name], index), layer.latent(name)
        norm = norm if name == "Q" else of_heads(norm, shared)
        scale = None if norm is None else normalise(values, norm, shape.eps, frozen)[1]
        if latent is not None:  # its size is that of what all heads of the layer read
            norm, size = UNGAINED, latent.scale(latent.of(read), values.shape[-1])[:, :, None]
            scale = (size if frozen is None else frozen).expand(values.shape)
        taken: dict[tuple[int | None, int | None, int], Tensor] = {}  # summed first: one product for each reader
        for loss in edited.losses(index, name):
            part, slot = loss.value.expand_as(x[loss.rows]), (loss.rows.start, loss.rows.stop, loss.reader.index)
            if not (loss.writer == POS and beside is not None):
                part = through_norm(part, layer.norm, inverse_scale[loss.rows])
            taken[slot] = taken[slot] + part if slot in taken else part
        for (start, stop, head), part in taken.items():
            values[start:stop, :, head] -= part @ matrix[head if name == "Q" else shared[head]]
        return (values if scale is None or norm is None else apply_gain(centred(values, norm) * scale, norm)), scale

    q, q_scale = side("Q", qk_input, layer.W_Q, layer.b_Q, layer.q_norm)
    k, k_scale = side("K", qk_input, layer.W_K, layer.b_K, layer.k_norm)
    v, v_scale = side("V", x, layer.W_V, layer.b_V, None)
    rotary = shape.rotary_of(index)
    if rotary is not None:
        q, k = rotary.at(q, offset), rotary.at(k, offset)
    refuse_overflow(stream, q, k, index)
    keys, values = k, v
    if past is not None:
        keys, values = _after(past.k, k, offset), _after(past.v, v, offset)
    window = shape.window(index)
    frozen = edited.frozen(index)
    if keep or frozen:
        pattern = patterns(shape, q, k, window, layer.sinks)
        for other in frozen:
            pattern[other.rows, other.head] = other.pattern
        z = loaded(pattern, v)
    else:
        pattern = stream.new_empty(len(stream), shape.n_heads, 0, 0)  # nobody will ask
        z = mixed(shape, index, layer.sinks, q, keys, values)
    return LayerRecord(stream, inverse_scale, q, k, v, pattern, z, q_scale, k_scale, v_scale)


def mixed(
    shape: Architecture,
    index: int,
    sinks: Float[Tensor, " every"] | None,
    q: Float[Tensor, "batch query head d_head"],
    k: Float[Tensor, "batch key head d_head"],
    v: Float[Tensor, "batch key head d_value"],
    heads: Sequence[int] | None = None,
) -> Float[Tensor, "batch query head d_value"]:
    """Return A v of heads of layer ``index``, without the patterns; the queries are those of the last tokens.

    ``sinks``: those of all heads. ``heads``: which heads they are, all of them in their order if None.
    """
    window, mask = shape.window(index), None
    sinks = sinks if sinks is None or heads is None else sinks[list(heads)]
    plain = shape.score_cap is None and shape.slopes is None and sinks is None
    if window is not None or k.shape[1] > q.shape[1] or not plain:
        mask = allowed(k.shape[1], window, q.device)[k.shape[1] - q.shape[1] :]
    bias = recency(shape, (q.shape[1], k.shape[1]), q, heads)
    if bias is not None and mask is not None:
        mask = bias.masked_fill(~mask, -torch.inf)
    q, k, v = (each.transpose(1, 2) for each in (q, k, v))
    if shape.score_cap is not None and mask is not None:  # which fused attention does not have
        scores = capped(q @ k.mT * shape.attention_scale, shape.score_cap)
        return (softmax_beside(scores.masked_fill(~mask, -torch.inf), sinks) @ v).transpose(1, 2)
    if sinks is not None and mask is not None:  # a key and a value of zeros, whose score the mask adds
        k, v = (F.pad(each, (0, 0, 0, 1)) for each in (k, v))
        free = torch.zeros_like(mask, dtype=q.dtype).masked_fill(~mask, -torch.inf) if bias is None else mask
        mask = beside_sinks(free.expand(q.shape[1], *free.shape[-2:]), sinks)
    z = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=mask is None, scale=shape.attention_scale)
    return z.transpose(1, 2)


def store(shape: Architecture, index: int, layer: Layer, step: LayerRecord, edited: Changes, tokens: slice) -> Stream:
    """What the heads store together at some tokens, with edits. z of ``step`` becomes what each one's is linear in.

    A norm after the heads has one scale for all of them, of what they mixed; edits are of what comes out of it.
    """
    W_O, after = layer.W_O.flatten(0, 1), layer.after_heads
    if after is None:
        step.z = _edit_heads(edited, index, step.z)
        return step.z[:, tokens].flatten(2) @ W_O
    stored, step.after_heads = normalise(step.z.flatten(2) @ W_O, after, shape.eps, edited.scale("after_heads", index))
    step.z = _edit_heads(edited, index, step.z * step.after_heads[..., None])
    if edited.ablates(index):
        stored = apply_gain(step.z.flatten(2) @ W_O, after)
    return stored[:, tokens]


def refuse_overflow(
    stream: Stream,
    q: Float[Tensor, "batch query head d_head"],
    k: Float[Tensor, "batch key head d_head"],
    layer: int,
) -> None:
    """Raise Undefined where a score q·k may not be finite: fused attention would turn it into finite weights."""
    if q.is_meta:
        return  # shapes without numbers
    largest = float(q.detach().abs().amax()) * float(k.detach().abs().amax()) * q.shape[-1]
    if not largest <= torch.finfo(q.dtype).max:
        before = "in the embedding" if layer == 0 else f"in layer {layer - 1}"
        sound = bool(torch.isfinite(stream).all())
        raise overflow(q.dtype, f"in the attention scores of layer {layer}" if sound else before)


def overflow(dtype: torch.dtype, where: str) -> Undefined:
    """Return the error for a pass whose numbers stop being finite."""
    way = "check the weights" if dtype == torch.float64 else "load the model with dtype='float64', or check the weights"
    return Undefined(f"the pass overflows {str(dtype).removeprefix('torch.')} {where}; {way}")


def _after(recorded: Tensor, new: Tensor, tokens: int) -> Tensor:
    """Keys or values behind the first recorded ones; the batch is the recorded one several times over."""
    return torch.cat([recorded[:, :tokens].repeat(len(new) // len(recorded), 1, 1, 1), new], 1)


def _edit_heads(edited: Changes, layer: int, z: Mixed) -> Mixed:
    """Edit heads by their z: what they store is linear in it."""
    met = edited.heads(layer)
    values = z.clone() if met else z
    for writer in met:
        values[:, :, writer.index] = edited.store(writer, z[:, :, writer.index])
    return values
