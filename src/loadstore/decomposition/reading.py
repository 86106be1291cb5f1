"""What reaches a reader: stores sent through its norm, one token of them, and directions sent back through it."""

import torch
from jaxtyping import Float
from torch import Tensor

from loadstore.errors import Undefined
from loadstore.execution.edits import Freeze, reader_of
from loadstore.execution.trace import Trace
from loadstore.model.norms import apply_gain, centred, through_norm
from loadstore.model.weights import Norm, Weights, map_tensors
from loadstore.model.wiring import wiring
from loadstore.sites import Reader, Writer

MOST = 1 << 27  # numbers of one result


def refuse_cuts(trace: Trace) -> None:
    """Raise Undefined for a run with cuts, whose readers did not read the stream, or with something frozen."""
    if any(isinstance(edit, Freeze) or reader_of(edit) is not None for edit in trace.edits):
        raise Undefined("a run with cuts or frozen parts is not a sum over writers; decompose the run without them")


def refuse_ablated(trace: Trace, writer: Writer) -> None:
    """Raise Undefined for a head that is edited in this run: what it stores is no sum over source tokens."""
    if any(not isinstance(edit, Freeze) and edit.writer == writer for edit in trace.edits):
        raise Undefined(f"{writer} is ablated in this run: what it stores is no sum over source tokens; run without")


def bounded(numbers: int, way: str) -> None:
    """Raise Undefined where a result would not fit; ``way``: what to ask for instead."""
    if numbers > MOST:
        raise Undefined(f"this would be {numbers:,} numbers, more than {MOST:,}; {way}")


def in_stream(weights: Weights, layer: int) -> tuple[Writer, ...]:
    """The writers whose sum is the stream that ``layer`` finds; shortformer positions are never in it."""
    network = wiring(weights)
    beside = network.shortformer
    return tuple(w for w in network.writers if w.layer < layer and not (beside and w.kind == "pos"))


def through(trace: Trace, reader: Reader, writer: Writer, store: Tensor) -> Tensor:
    """Send a part of the stream through a reader's norm, its scale frozen; shortformer positions are behind it."""
    if is_beside(trace, writer):
        return store
    return through_norm(store, *norm_of(trace, reader))


def is_beside(trace: Trace, writer: Writer) -> bool:
    """Whether a writer is added behind the norm: the positions of shortformer models."""
    return writer.kind == "pos" and trace.weights.architecture.positions == "shortformer"


def norm_of(trace: Trace, reader: Reader) -> tuple[Norm | None, Float[Tensor, "batch token 1"]]:
    """A reader's norm and its 1/σ in this run."""
    weights, record = trace.weights, trace.record
    if reader.is_unembed:
        norm, scale = weights.norm(None), record.final_inverse_scale
    elif reader.is_mlp:
        norm, scale = weights.mlp_norm(reader.layer), record.layers[reader.layer].mlp_inverse_scale
    else:
        norm, scale = weights.norm(reader.layer), record.layers[reader.layer].inverse_scale
    assert scale is not None
    return norm, scale


def back_through(
    trace: Trace, reader: Reader, direction: Float[Tensor, "token d_model"], start: int = 0
) -> Float[Tensor, "token d_model"]:
    """Send directions g back through a reader's norm N, for the tokens from ``start`` on: ⟨N(x), g⟩ = ⟨x, N*(g)⟩."""
    norm, scale = norm_of(trace, reader)
    if norm is None:
        return direction
    return centred(apply_gain(direction, norm), norm) * scale[0, start : start + len(direction)]


def stored_at(trace: Trace, writers: tuple[Writer, ...], at: int) -> Float[Tensor, "writer d_model"]:
    """What writers stored at one token of one prompt, the heads of a layer at once."""
    heads: dict[int, Tensor] = {}
    rows: list[Tensor] = []
    for writer in writers:
        if writer.kind != "head":
            rows.append(trace.store(writer)[0, at])
            continue
        if writer.layer not in heads:
            W_O = trace.weights.wide(trace.weights.layers[writer.layer].W_O)
            heads[writer.layer] = torch.einsum("he,hed->hd", trace.record.layers[writer.layer].z[0, at], W_O)
        rows.append(heads[writer.layer][writer.index])
    return torch.stack(rows)


def read_at(trace: Trace, reader: Reader, writers: tuple[Writer, ...], at: int) -> Float[Tensor, "writer d_model"]:
    """The parts of a reader's input at one token of one prompt: ``through`` of what each writer stored there."""
    rows = stored_at(trace, writers, at)
    norm, scale = norm_of(trace, reader)
    read = through_norm(rows[None], norm, scale[:1, at : at + 1].expand(1, len(rows), 1))[0]
    beside = torch.tensor([is_beside(trace, writer) for writer in writers], device=rows.device)
    return torch.where(beside[:, None], rows, read)


def inner_norm(trace: Trace, reader: Reader) -> tuple[Norm | None, Float[Tensor, "batch token 1"] | None]:
    """A head's own norm of queries or keys, and its 1/σ in this run."""
    layer, record = trace.weights.layers[reader.layer], trace.record.layers[reader.layer]
    norm, scale = (layer.q_norm, record.q_scale) if reader.side == "Q" else (layer.k_norm, record.k_scale)
    if norm is None or scale is None:
        return None, None
    return map_tensors(norm, trace.weights.wide), scale[:, :, reader.index]


def inside(weights: Weights, layer: int) -> tuple[Tensor, Tensor | None]:
    """W_in beside W_gate of an MLP, and their biases."""
    mlp = weights.layers[layer].mlp
    assert mlp is not None
    if mlp.W_gate is None:
        return weights.wide(mlp.W_in), None if mlp.b_in is None else weights.wide(mlp.b_in)
    matrix = torch.cat([weights.wide(mlp.W_in), weights.wide(mlp.W_gate)], 1)
    if mlp.b_in is None and mlp.b_gate is None:
        return matrix, None
    width = mlp.W_in.shape[1]
    biases = [matrix.new_zeros(width) if bias is None else weights.wide(bias) for bias in (mlp.b_in, mlp.b_gate)]
    return matrix, torch.cat(biases)
