"""The inputs of readers: stores passed through the norm, single tokens, and directions pulled back through it."""

import torch
from jaxtyping import Float
from torch import Tensor

from loadstore.errors import Undefined
from loadstore.execution.edits import Freeze, reader_of, writer_of
from loadstore.execution.trace import Trace
from loadstore.model.layers import Norm
from loadstore.model.norms import through_norm
from loadstore.model.ports import banks, reading, writing
from loadstore.model.weights import Weights
from loadstore.model.wiring import wiring
from loadstore.sites import Reader, Writer

MOST = 1 << 27  # numbers of one result


def refuse_cuts(trace: Trace) -> None:
    """Raise Undefined for a run with cuts, whose readers did not read the stream, or with frozen parts."""
    if any(
        isinstance(edit, Freeze)
        or reader_of(edit) is not None
        or ((writer := writer_of(edit)) is not None and writer.kind == "stream")
        for edit in trace.edits
    ):
        raise Undefined("a run with cuts or frozen parts is not a sum over writers; decompose the run without them")


def refuse_ablated(trace: Trace, writer: Writer) -> None:
    """Raise Undefined for a head edited in this run, whose store is not a sum over source tokens."""
    if any(writer_of(edit) == writer for edit in trace.edits):
        raise Undefined(
            f"{writer} is ablated in this run: its store is not a sum over source tokens; run the prompt without that "
            "edit"
        )


def bounded(numbers: int, way: str) -> None:
    """Raise Undefined if a result would be too large; ``way``: the alternative to suggest."""
    if numbers > MOST:
        raise Undefined(f"this would be {numbers:,} numbers, more than {MOST:,}; {way}")


def in_stream(weights: Weights, layer: int) -> tuple[Writer, ...]:
    """The writers whose stores sum to the stream before ``layer``; those that bypass the norms are never in it."""
    before = (writer for writer in wiring(weights).writers if writer.layer < layer)
    return tuple(writer for writer in before if not writing(weights, writer).bypasses_norm)


def through(trace: Trace, reader: Reader, writer: Writer, store: Tensor) -> Tensor:
    """Pass a part of a reader's input through its norm, scale frozen, unless its writer bypasses the norm."""
    if writing(trace.weights, writer).bypasses_norm:
        return store
    return through_norm(store, *norm_of(trace, reader))


def norm_of(trace: Trace, reader: Reader) -> tuple[Norm | None, Float[Tensor, "batch token 1"]]:
    """A reader's norm and its 1/σ in this run."""
    port = reading(trace.weights, reader)
    scale = trace.record.scale(port.scale)
    assert scale is not None
    return port.norm, scale


def inner_scale(trace: Trace, reader: Reader) -> Float[Tensor, "batch token _"] | None:
    """1/σ of a head's own norm of queries or keys, or of a latent by columns, in this run; None if there is none."""
    name = reading(trace.weights, reader).inner_scale
    scale = None if name is None else trace.record.scale(name)
    return None if scale is None else scale[:, :, reader.index]


def back_through(
    trace: Trace, reader: Reader, direction: Float[Tensor, "token d_model"], start: int = 0
) -> Float[Tensor, "token d_model"]:
    """Pull directions g back through a reader's norm N, for the tokens from ``start`` on: ⟨N(x), g⟩ = ⟨x, N*(g)⟩."""
    _, scale = norm_of(trace, reader)
    return reading(trace.weights, reader).back_through(direction, scale[0, start : start + len(direction)])


def stored_at(trace: Trace, writers: tuple[Writer, ...], at: int) -> Float[Tensor, "writer d_model"]:
    """The stores of the given writers at one token of one prompt, with the heads of a layer computed together."""
    return torch.cat([bank.sent(trace.record.inner(bank.writers)[0, at]) for bank in banks(trace.weights, writers)])


def read_at(trace: Trace, reader: Reader, writers: tuple[Writer, ...], at: int) -> Float[Tensor, "writer d_model"]:
    """The parts of a reader's input at one token of one prompt: ``through`` applied to each writer's store there."""
    rows = stored_at(trace, writers, at)
    norm, scale = norm_of(trace, reader)
    read = through_norm(rows[None], norm, scale[:1, at : at + 1].expand(1, len(rows), 1))[0]
    bypass = torch.tensor([writing(trace.weights, writer).bypasses_norm for writer in writers], device=rows.device)
    return torch.where(bypass[:, None], rows, read)
