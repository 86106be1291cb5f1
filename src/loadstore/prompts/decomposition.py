"""Every number of a pass as an exact sum over the writers that made it, ``const`` included.

A reader's projected input is linear in the stream once the norm's 1/σ is frozen at its value:

    x̂ W + b = Σ_w ((w − w̄)/σ · γ) W + (β W + b)            the last bracket is ``const``

Scores are bilinear in two such sums, outputs and logits linear in one. Sums hold to float precision
(tests/theorems/test_sums.py). An edited run is decomposed as long as its edits are ablations.
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from loadstore.errors import Undefined
from loadstore.models.edited import replacement
from loadstore.models.edits import Ablate
from loadstore.models.norms import through_norm
from loadstore.models.trace import Trace
from loadstore.models.weights import Norm, Weights
from loadstore.models.wiring import wiring
from loadstore.prompts.single import one_prompt_index
from loadstore.sites import CONST, UNEMBED, Head, Reader, Writer, parse_head

if TYPE_CHECKING:
    import xarray as xr

Mean: TypeAlias = Callable[[Writer], Tensor]  # of what a writer stores


def loaded(trace: Trace, reader: Reader, writer: Writer) -> Float[Tensor, "batch token d_model"]:
    """One writer's part of a reader's input: its store through the reader's norm, the scale frozen, without β."""
    return through(trace, reader, writer, trace.store(writer))


def deviations(
    trace: Trace, reader: Reader, mean: Mean | None = None
) -> Iterator[tuple[str, Float[Tensor, "batch token inside"]]]:
    """What a mean cut takes from q, k or v: a writer's store less its mean, through the norm and the reader's matrix.

    The mean is that of ``cut``, over batch and tokens without the first position, unless another is given (that of a
    corpus). Raises Undefined for cut runs.
    """
    for writer in wiring(trace.weights).writers_of(reader):
        yield str(writer), deviation(trace, reader, writer, mean)


def deviation(
    trace: Trace, reader: Reader, writer: Writer, mean: Mean | None = None
) -> Float[Tensor, "batch token inside"]:
    """Return the same of one writer."""
    matrix, _, _ = _matrix(trace, reader)
    return turned(trace, reader, removed(trace, reader, writer, mean) @ matrix)


def removed(
    trace: Trace, reader: Reader, writer: Writer, mean: Mean | None = None
) -> Float[Tensor, "batch token d_model"]:
    """What a mean cut takes from a reader's input, before the reader's matrix. Raises Undefined for cut runs."""
    _refuse_cuts(trace)
    store = trace.store(writer)
    usual = replacement(store, "mean") if mean is None else mean(writer)
    return through(trace, reader, writer, store - usual)


def through(trace: Trace, reader: Reader, writer: Writer, store: Tensor) -> Tensor:
    """Send a part of the stream through a reader's norm, its scale frozen; shortformer positions are behind it."""
    weights, record = trace.weights, trace.record
    if writer.kind == "pos" and weights.architecture.positions == "shortformer":
        return store
    if reader.is_unembed:
        norm, scale = weights.norm(None), record.final_inverse_scale
    elif reader.is_mlp:
        norm, scale = weights.mlp_norm(reader.layer), record.layers[reader.layer].mlp_inverse_scale
    else:
        norm, scale = weights.norm(reader.layer), record.layers[reader.layer].inverse_scale
    assert scale is not None
    return through_norm(store, norm, scale)


def reader_parts(trace: Trace, reader: Reader | str) -> dict[str, Float[Tensor, "batch token inside"]]:
    """What each writer, and ``const``, contributes to q, k or v of a head, the inside of an MLP, or the logits.

    A q- or k-norm (its scale frozen) and rotary positions act on every part of q and k alike, which is linear: the
    parts sum to what the head used. Of an MLP it is x W_in beside x W_gate, before the activation.
    Raises NoSuchSite, or Undefined for a run with cuts, whose readers did not read the stream.
    """
    reader = wiring(trace.weights).reader(reader)
    return {name: turned(trace, reader, part) for name, part in projected_parts(trace, reader).items()}


def projected_parts(trace: Trace, reader: Reader) -> dict[str, Float[Tensor, "batch token inside"]]:
    """Return the same before a q- or k-norm and rotary positions act on them. Raises Undefined for a run with cuts."""
    _refuse_cuts(trace)
    network = wiring(trace.weights)
    matrix, norm, bias = _matrix(trace, reader)
    parts = {str(w): loaded(trace, reader, w) @ matrix for w in network.writers_of(reader)}
    const = matrix.new_zeros(matrix.shape[1]) if bias is None else bias
    if norm is not None and norm.bias is not None:
        const = const + norm.bias @ matrix
    some = parts[str(network.writers[0])]
    return parts | {CONST: const.expand_as(some)}


def turned(trace: Trace, reader: Reader, part: Float[Tensor, "batch token inside"]) -> Tensor:
    """Bring a part of q or k through the head's own norm and the rotary positions; anything else stays as it is."""
    if reader.side not in ("Q", "K"):
        return part
    weights, record = trace.weights, trace.record.layers[reader.layer]
    layer = weights.layers[reader.layer]
    norm, scale = (layer.q_norm, record.q_scale) if reader.side == "Q" else (layer.k_norm, record.k_scale)
    if norm is not None and scale is not None:
        part = part * scale[:, :, reader.index]
        part = part if norm.gain is None else part * weights.wide(norm.gain)
    rotary = weights.architecture.rotary
    return part if rotary is None else rotary.at(part[:, :, None])[:, :, 0]


def score_parts(trace: Trace, head: Head | str) -> "xr.DataArray":
    """Pre-softmax scores by query-side writer × key-side writer; dims query_writer key_writer (batch) query key.

    s_ij = Σ_a Σ_b q_i^a · k_j^b / √d_head: the exact bilinear sum, for every pair, the mask not applied.
    """
    import xarray as xr

    head = trace.weights.architecture.check(parse_head(head), trace.weights.name)
    q = reader_parts(trace, Reader(head.layer, head.index, "Q"))
    k = reader_parts(trace, Reader(head.layer, head.index, "K"))
    scale = trace.weights.architecture.d_head**-0.5
    values = torch.einsum("abqe,cbke->acbqk", torch.stack(list(q.values())), torch.stack(list(k.values()))) * scale
    dims = ("query_writer", "key_writer", "batch", "query", "key")
    coords = {"query_writer": list(q), "key_writer": list(k)}
    whole = xr.DataArray(values.cpu().numpy(), dims=dims, coords=coords, attrs={"head": str(head)})
    return whole if trace.batched else whole.isel(batch=0)


def output_parts(trace: Trace, head: Head | str, at: int) -> "xr.DataArray":
    """What a head stored at one token, by source token × V-side writer; dims key writer d_model; one prompt.

    o_i = Σ_j Σ_w A_ij v_j^w W_O.
    """
    import xarray as xr

    head = trace.weights.architecture.check(parse_head(head), trace.weights.name)
    row = trace.pattern(head)[one_prompt_index(trace, at)]
    parts = reader_parts(trace, Reader(head.layer, head.index, "V"))
    W_O = trace.weights.head(head).W_O
    values = torch.stack([row[:, None] * part[0] @ W_O for part in parts.values()], 1)
    return xr.DataArray(values.cpu().numpy(), dims=("key", "writer", "d_model"), coords={"writer": list(parts)})


def logit_parts(trace: Trace, at: int, token: int) -> "xr.DataArray":
    """One logit by writers and ``const``, the last norm's scale frozen; dim writer; one prompt."""
    import xarray as xr

    at = one_prompt_index(trace, at)
    _refuse_cuts(trace)
    weights, network = trace.weights, wiring(trace.weights)
    column = weights.wide(weights.W_U[:, token])
    parts = {str(w): float(loaded(trace, UNEMBED, w)[0, at] @ column) for w in network.writers_of(UNEMBED)}
    norm = weights.norm(None)
    parts[CONST] = 0.0 if weights.b_U is None else float(weights.b_U[token])
    if norm is not None and norm.bias is not None:
        parts[CONST] += float(norm.bias @ column)
    return xr.DataArray(np.array(list(parts.values())), dims="writer", coords={"writer": list(parts)})


def _refuse_cuts(trace: Trace) -> None:
    if not all(isinstance(edit, Ablate) for edit in trace.edits):
        raise Undefined("a run with cuts is not a sum over writers; decompose the run without them")


def _matrix(trace: Trace, reader: Reader) -> tuple[Tensor, Norm | None, Tensor | None]:
    """The unfolded matrix that a reader applies, its norm, and its bias."""
    weights = trace.weights
    if reader.is_unembed:
        return weights.wide(weights.W_U), weights.norm(None), None if weights.b_U is None else weights.wide(weights.b_U)
    if reader.is_mlp:
        matrix, bias = _inside(weights, reader.layer)
        return matrix, weights.mlp_norm(reader.layer), bias
    matrix, bias = weights.head(reader.head).side(reader.head_side)
    return matrix, weights.norm(reader.layer), bias


def _inside(weights: Weights, layer: int) -> tuple[Tensor, Tensor | None]:
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
