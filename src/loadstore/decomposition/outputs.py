"""One head's store at one token, by source tokens and the writers loaded there.

    o_i = Σ_j Σ_w A_ij v_j^w W_O

Tests: tests/theorems/test_sums.py.
"""

from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor

from loadstore.decomposition.decomposition import reader_parts
from loadstore.decomposition.projections import Question, projections
from loadstore.decomposition.reading import bounded, refuse_ablated
from loadstore.decomposition.single import one_prompt_index
from loadstore.errors import BadRequest
from loadstore.execution.positions import At
from loadstore.execution.trace import Trace
from loadstore.model.ports import heads_out
from loadstore.model.wiring import wiring
from loadstore.sites import Head, Reader, Writer, parse_head
from loadstore.threads import threads_for

if TYPE_CHECKING:
    import xarray as xr


@threads_for(0)
def output_parts(trace: Trace, head: Head | str, at: At, *, along: Tensor | None = None) -> "xr.DataArray":
    """One head's store at one token, by source token × V-side writer; dims key writer d_model; one prompt.

    o_i = Σ_j Σ_w A_ij v_j^w W_O.

    Args:
        trace: One prompt.
        head: The head.
        at: The query token, an index or a text.
        along: A direction u of the stream [d_model]: return ⟨·, u⟩ of each part instead, for prompts of any length.

    Returns:
        The parts in units of the stream: dims key writer d_model, with ``along`` key writer. ``remainder`` in the
        attributes is the largest entry of store minus sum.

    Raises:
        NoSuchSite, BadRequest: The head or token does not exist.
        Undefined: The head is ablated, or the run is a batch or has cuts.

    Example:
        >>> import loadstore as ls
        >>> trace = ls.run(ls.load("builtin"), "the cat sat on the mat. the dog sat")
        >>> ls.parts.output_parts(trace, "L1.H4", at=10).dims
        ('key', 'writer', 'd_model')
    """
    import xarray as xr

    head = trace.weights.architecture.check(parse_head(head), trace.weights.name)
    at = one_prompt_index(trace, at)
    refuse_ablated(trace, Writer("head", head.layer, head.index))
    reader = Reader(head.layer, head.index, "V")
    record, out = trace.record.layers[head.layer], heads_out(trace.weights, head.layer)[head.index]
    row, stored = record.mixing[0, head.index, at], record.inner[0, at, head.index] @ out
    if along is None:
        writers = len(wiring(trace.weights).writers_of(reader)) + 1
        bounded(writers * stored.numel() * row.numel(), "give a direction `along` which to measure")
        parts = reader_parts(trace, reader)
        values = torch.stack([row[:, None] * part[0] @ out for part in parts.values()], 1)
    else:
        if along.shape != stored.shape or not along.is_floating_point():
            raise BadRequest(f"a direction of the stream has {len(stored)} numbers; got {list(along.shape)}")
        parts = output_along(trace, head, at, along)
        values, stored = torch.stack(list(parts.values()), 1).double(), stored @ along.to(stored)
    lacks = (stored.double() - values.double().sum((0, 1))).abs().max()
    dims = ("key", "writer", "d_model")[: values.ndim]
    attrs = {"head": str(head), "at": at, "remainder": float(lacks)}
    return xr.DataArray(values.cpu().numpy(), dims=dims, coords={"writer": list(parts)}, attrs=attrs)


def output_along(trace: Trace, head: Head, at: int, along: Float[Tensor, " d_model"]) -> dict[str, Tensor]:
    """⟨Σ_w A_ij v_j^w W_O, u⟩ of every V-side writer and ``const``, for every source token j.

    Raises Undefined for an ablated head.
    """
    refuse_ablated(trace, Writer("head", head.layer, head.index))
    record, out = trace.record.layers[head.layer], heads_out(trace.weights, head.layer)[head.index]
    row = record.mixing[0, head.index, at]
    (parts,) = projections(trace, [Question(Reader(head.layer, head.index, "V"), row[:, None] * (out @ along.to(out)))])
    return parts
