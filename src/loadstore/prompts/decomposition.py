"""Every number of a pass as an exact sum over the writers that made it, ``const`` included.

A reader's projected input is linear in the stream once the norm's 1/σ is frozen at its value:

    x̂ W + b = Σ_w ((w − w̄)/σ · γ) W + (β W + b)            the last bracket is ``const``

Scores are bilinear in two such sums, outputs and logits linear in one. Sums hold to float precision
(tests/theorems/test_sums.py). An edited run is decomposed as long as its edits are ablations.
"""

from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from loadstore.errors import Undefined
from loadstore.models.edits import Ablate
from loadstore.models.forward import through_norm
from loadstore.models.trace import Trace
from loadstore.models.weights import Norm
from loadstore.models.wiring import wiring
from loadstore.prompts.single import one_prompt_index
from loadstore.sites import CONST, UNEMBED, Head, Reader, Writer, parse_head

if TYPE_CHECKING:
    import xarray as xr


def loaded(trace: Trace, reader: Reader, writer: Writer) -> Float[Tensor, "batch token d_model"]:
    """One writer's part of a reader's input: its store through the reader's norm, the scale frozen, without β."""
    weights, record = trace.weights, trace.record
    store = trace.store(writer)
    if writer.kind == "pos" and weights.architecture.positions == "shortformer":
        return store
    if reader.is_unembed:
        scale = record.final_inverse_scale
        assert scale is not None
        return through_norm(store, weights.final_norm, scale)
    return through_norm(store, weights.layers[reader.layer].norm, record.layers[reader.layer].inverse_scale)


def reader_parts(trace: Trace, reader: Reader | str) -> dict[str, Float[Tensor, "batch token inside"]]:
    """What each writer, and ``const``, contributes to q, k or v of a head, or to the logits.

    Rotary positions turn every part of q and k alike, which is linear: the parts sum to what the head used.
    Raises NoSuchSite, or Undefined for a run with cuts, whose readers did not read the stream.
    """
    reader = wiring(trace.weights).reader(reader)
    return {name: turned(trace, reader, part) for name, part in projected_parts(trace, reader).items()}


def projected_parts(trace: Trace, reader: Reader) -> dict[str, Float[Tensor, "batch token inside"]]:
    """Return the same before rotary positions turn them. Raises Undefined for a run with cuts."""
    if not all(isinstance(edit, Ablate) for edit in trace.edits):
        raise Undefined("a run with cuts is not a sum over writers; decompose the run without them")
    network = wiring(trace.weights)
    matrix, norm, bias = _matrix(trace, reader)
    parts = {str(w): loaded(trace, reader, w) @ matrix for w in network.writers_of(reader)}
    const = torch.zeros(matrix.shape[1], dtype=matrix.dtype) if bias is None else bias
    if norm is not None and norm.bias is not None:
        const = const + norm.bias @ matrix
    some = parts[str(network.writers[0])]
    return parts | {CONST: const.expand_as(some)}


def turned(trace: Trace, reader: Reader, part: Float[Tensor, "batch token inside"]) -> Tensor:
    """Turn a part of q or k by the rotary positions of its tokens; anything else is returned as it is."""
    rotary = trace.weights.architecture.rotary
    return part if rotary is None or reader.side not in ("Q", "K") else rotary.at(part[:, :, None])[:, :, 0]


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
    whole = xr.DataArray(values.numpy(), dims=dims, coords=coords, attrs={"head": str(head)})
    return whole if trace.batched else whole.isel(batch=0)


def output_parts(trace: Trace, head: Head | str, at: int) -> "xr.DataArray":
    """What a head stored at one token, by source token × V-side writer; dims key writer d_model; one prompt.

    o_i = Σ_j Σ_w A_ij v_j^w W_O.
    """
    import xarray as xr

    head = trace.weights.architecture.check(parse_head(head), trace.weights.name)
    row = trace.pattern(head)[one_prompt_index(trace, at)]
    parts = reader_parts(trace, Reader(head.layer, head.index, "V"))
    W_O = trace.weights.layers[head.layer].W_O[head.index]
    values = torch.stack([row[:, None] * part[0] @ W_O for part in parts.values()], 1)
    return xr.DataArray(values.numpy(), dims=("key", "writer", "d_model"), coords={"writer": list(parts)})


def logit_parts(trace: Trace, at: int, token: int) -> "xr.DataArray":
    """One logit by writers and ``const``, the last norm's scale frozen; dim writer; one prompt."""
    import xarray as xr

    at = one_prompt_index(trace, at)
    parts = {name: float(part[0, at, token]) for name, part in reader_parts(trace, UNEMBED).items()}
    return xr.DataArray(np.array(list(parts.values())), dims="writer", coords={"writer": list(parts)})


def _matrix(trace: Trace, reader: Reader) -> tuple[Tensor, Norm | None, Tensor | None]:
    """The unfolded matrix that a reader applies, its norm, and its bias."""
    weights = trace.weights
    if reader.is_unembed:
        return weights.W_U, weights.final_norm, weights.b_U
    layer = weights.layers[reader.layer]
    matrix, bias = {"Q": (layer.W_Q, layer.b_Q), "K": (layer.W_K, layer.b_K), "V": (layer.W_V, layer.b_V)}[reader.side]
    return matrix[reader.index], layer.norm, None if bias is None else bias[reader.index]
