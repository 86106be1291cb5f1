"""Runs that differ from a recorded one in the inputs of readers of one layer; all earlier layers are shared.

In that layer only heads with changed inputs are recomputed. From there on the runs share one batch.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from loadstore.axes import Stream
from loadstore.execution.branch import Difference, branch
from loadstore.execution.changes import Loss
from loadstore.execution.forward import after_attention, read_last, through_layers, width
from loadstore.execution.plan import Edited
from loadstore.execution.record import LayerRecord, Record
from loadstore.execution.trace import Trace
from loadstore.threads import threads_for


@dataclass(frozen=True, eq=False)
class Taken:
    """The parts that each of several runs removes from the heads or the MLP of one layer, or from the unembedding.

    Args:
        runs: How many runs.
        start: The layer; n_layers for the unembedding.
        differences: The parts removed from q, k or v.
        losses: The parts removed from an MLP or the unembedding, by run, before the norm.
        first: The first token from which anything is removed.
    """

    runs: int
    start: int
    differences: Sequence[Difference] = ()
    losses: Sequence[tuple[int, Loss]] = ()
    first: int = 0


def at_reader(
    trace: Trace, taken: Taken, only: int | None = None, *, keep: bool = False
) -> tuple[LayerRecord | None, Stream]:
    """The readers' layer in each run, and the stream after it, for all tokens or for one in the last layer.

    Later layers are not computed. For the unembedding, the layer is None and the stream is the final one.
    """
    weights, shape = trace.weights, trace.weights.architecture
    if taken.start == shape.n_layers:
        assert trace.record.final is not None
        return None, trace.record.final[:, taken.first :].repeat(taken.runs, 1, 1)
    base = trace.record.layers[taken.start]
    with torch.no_grad(), threads_for(base.stream.shape[:-1].numel() * taken.runs * width(weights)):
        step = branch(weights, taken.start, base, taken.differences, taken.runs, taken.first, keep=keep)
        token = only if taken.start == shape.n_layers - 1 else None
        layer = weights.layer(taken.start)
        return step, after_attention(weights, taken.start, layer, step.stream, step, _edited(trace, taken), token)


def branched(
    trace: Trace, taken: Taken, at: int | None = None, *, keep: bool = False
) -> tuple[Stream, LayerRecord | None, Record | None]:
    """The unembedding's input in each run, the readers' layer, and (``keep``) the record from there on.

    ``at``: the one requested token, counted from the beginning of the prompt.
    """
    weights, shape, record = trace.weights, trace.weights.architecture, trace.record
    row = None if at is None else at - taken.first
    step, stream = at_reader(trace, taken, row, keep=keep)
    kept = Record(layers=[] if step is None else [step]) if keep else None
    beside = None
    if record.pos is not None and shape.positions_bypass_norm:
        beside = record.pos[..., taken.first :, :]
    edited, past = _edited(trace, taken), record if taken.first else None
    with torch.no_grad():
        if taken.start < shape.n_layers:
            stream = through_layers(weights, taken.start + 1, stream, beside, edited, kept, taken.first, row, past)
        read = read_last(weights, stream, edited, kept)
    return (read[:, [row]] if row is not None and taken.start == shape.n_layers else read), step, kept


def _edited(trace: Trace, taken: Taken) -> Edited:
    """The losses of each run in its rows of the batch."""
    batch = len(trace.tokens)
    rows = [slice(run * batch, (run + 1) * batch) for run in range(taken.runs)]
    given = [replace(loss, value=loss.value[..., taken.first :, :], rows=rows[run]) for run, loss in taken.losses]
    return Edited(trace.weights, given=given)
