"""Exact sums over writers, ``const`` included, for every number of a pass.

A reader's projected input is linear in the stream once the norm's 1/σ is frozen:

    x̂ W + b = Σ_w ((w − w̄)/σ · γ) W + (β W + b)            the last bracket is ``const``

Scores are bilinear in two such sums; outputs and logits are linear in one. Sums hold to float precision
(tests/theorems/test_sums.py). An edited run can be decomposed if all of its edits are ablations.
"""

from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor

from loadstore.decomposition.batched import of_prompts
from loadstore.decomposition.logits import logit_parts as logit_parts
from loadstore.decomposition.reading import bounded, inner_scale, read_at, refuse_cuts, through
from loadstore.decomposition.single import one_prompt_index
from loadstore.errors import BadRequest, Undefined
from loadstore.execution.positions import At
from loadstore.execution.trace import Trace
from loadstore.model.ports import reading
from loadstore.model.recency import recency
from loadstore.model.wiring import wiring
from loadstore.sites import CONST, Head, Reader, Writer, parse_head
from loadstore.threads import threads_for

if TYPE_CHECKING:
    import xarray as xr


def loaded(trace: Trace, reader: Reader, writer: Writer) -> Float[Tensor, "batch token d_model"]:
    """One writer's part of a reader's input: its store passed through the reader's norm, scale frozen, without β."""
    return through(trace, reader, writer, trace.store(writer))


def reader_parts(trace: Trace, reader: Reader | str) -> dict[str, Float[Tensor, "batch token inside"]]:
    """The contribution of each writer, and ``const``, to a head's q, k or v, an MLP's hidden units, or the logits.

    A q- or k-norm (its scale frozen) and rotary positions act linearly on every part of q and k, so the parts sum to
    the q and k of the head. For an MLP the result is x W_in concatenated with x W_gate, before the activation. Raises
    NoSuchSite, or Undefined for a run with cuts, whose readers did not read the stream itself.
    """
    reader = wiring(trace.weights).reader(reader)
    return {name: turned(trace, reader, part) for name, part in projected_parts(trace, reader).items()}


def projected_parts(trace: Trace, reader: Reader) -> dict[str, Float[Tensor, "batch token inside"]]:
    """Return ``reader_parts`` before a q- or k-norm and rotary positions. Raises Undefined for a run with cuts."""
    refuse_cuts(trace)
    network = wiring(trace.weights)
    port = reading(trace.weights, reader)
    matrix = port.matrix
    parts = {str(w): loaded(trace, reader, w) @ matrix for w in network.writers_of(reader)}
    sample = parts[str(network.writers[0])]
    return parts | {CONST: port.const.expand_as(sample)}


def parts_at(trace: Trace, reader: Reader, at: int) -> dict[str, Float[Tensor, " inside"]]:
    """``reader_parts`` at one token of one prompt, computed from the stores at that token only."""
    refuse_cuts(trace)
    writers = wiring(trace.weights).writers_of(reader)
    port = reading(trace.weights, reader)
    rows = torch.cat([read_at(trace, reader, writers, at) @ port.matrix, port.const[None]])
    return dict(zip([*map(str, writers), CONST], turned(trace, reader, rows[None], at)[0], strict=True))


def turned(
    trace: Trace, reader: Reader, part: Float[Tensor, "*any token inside"], at: int | None = None
) -> Float[Tensor, "*any token inside"]:
    """Apply the head's own norm and rotary positions to parts of q or k; leave other parts unchanged.

    ``at``: the token that all rows are parts of.
    """
    port, scale = reading(trace.weights, reader), inner_scale(trace, reader)
    if at is None:
        return port.turn(part, scale)
    return port.turn(part, None if scale is None else scale[:1, at : at + 1], at, at_one=True)


@threads_for(0)
def score_parts(trace: Trace, head: Head | str, query: At | None = None, key: At | None = None) -> "xr.DataArray":
    """A pre-softmax score by query-side writer × key-side writer; dims (prompt) query_writer key_writer.

    s_ij = Σ_a Σ_b q_i^a · k_j^b / √d_head: the exact bilinear sum, the mask not applied. The bias of ALiBi is stored by
    no writer and belongs to ``const`` on both sides.

    Args:
        trace: A run.
        head: The head.
        query: The token that attends, an index or a text.
        key: The token that is attended to. Without ``query`` and ``key`` every pair, for small models and short
            prompts.

    Returns:
        The parts in nats: dims (prompt) query_writer key_writer, without tokens … (batch) query key; ``recorded`` and
        ``remainder`` in the attributes.

    Raises:
        NoSuchSite, BadRequest: No such head or token.
        Undefined: A run with cuts.

    Example:
        >>> import loadstore as ls
        >>> trace = ls.run(ls.load("builtin"), "the cat sat on the mat. the dog sat")
        >>> ls.parts.score_parts(trace, "L1.H4", 10, 4).dims
        ('query_writer', 'key_writer')
    """
    import xarray as xr

    head = trace.weights.architecture.check(parse_head(head), trace.weights.name)
    sides = Reader(head.layer, head.index, "Q"), Reader(head.layer, head.index, "K")
    if (query is None) != (key is None):
        raise BadRequest("a score has a query and a key: give both tokens, or neither for every pair")
    scale = trace.weights.architecture.attention_scale
    dims, attrs = ("query_writer", "key_writer"), {"head": str(head)}
    if query is None or key is None:
        if trace.padded:
            raise Undefined("scores of every pair need prompts of one length; give one query and one key")
        writers = len(wiring(trace.weights).writers_of(sides[0])) + 1
        bounded(writers**2 * trace.tokens.numel() * trace.tokens.shape[1], "give one query and one key")
        q, k = (reader_parts(trace, side) for side in sides)
        values = torch.einsum("abqe,cbke->acbqk", torch.stack(list(q.values())), torch.stack(list(k.values()))) * scale
        bias = recency(trace.weights.architecture, values.shape[-2:], values, [head.index])
        if bias is not None:  # const is last on both sides
            values[-1, -1] += bias
        coords = {"query_writer": list(q), "key_writer": list(k)}
        whole = xr.DataArray(values.cpu().numpy(), coords, (*dims, "batch", "query", "key"), attrs=attrs)
        return whole if trace.batched else whole.isel(batch=0)
    if trace.batched:
        query_at, key_at = query, key
        return of_prompts(trace, lambda single, _: score_parts(single, head, query_at, key_at))
    query, key = one_prompt_index(trace, query), one_prompt_index(trace, key)
    q, k = (parts_at(trace, side, token) for side, token in zip(sides, (query, key), strict=True))
    values = (torch.stack(list(q.values())) @ torch.stack(list(k.values())).mT * scale).double()
    record = trace.record.layers[head.layer]
    recorded = float(record.q[0, query, head.index] @ record.k[0, key, head.index]) * scale
    bias = recency(trace.weights.architecture, trace.tokens.shape[1:] * 2, values, [head.index])
    if bias is not None:  # const is last on both sides
        values[-1, -1] += bias[0, query, key]
        recorded += float(bias[0, query, key])
    more = {"query": query, "key": key, "recorded": recorded, "remainder": recorded - float(values.sum())}
    coords = {"query_writer": list(q), "key_writer": list(k)}
    return xr.DataArray(values.cpu().numpy(), coords, dims, attrs=attrs | more)
