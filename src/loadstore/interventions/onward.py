"""Many runs that differ in one wire each: what comes before the wires' readers is run once, the rest side by side."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from loadstore.axes import Logits
from loadstore.interventions.single import some_rows
from loadstore.models.edited import Edited, Loss
from loadstore.models.forward import Record, onward
from loadstore.models.trace import Trace
from loadstore.sites import Reader

TOKENS = 2048  # at a time behind the readers


@dataclass(frozen=True, eq=False)
class Variants:
    """What became of the runs: logits of all, one run after another, and the layers from ``start`` on if kept."""

    trace: Trace
    start: int
    logits: Logits
    record: Record | None

    def rows(self, place: int) -> slice:
        """The rows of one run."""
        batch = len(self.trace.tokens)
        return slice(place * batch, (place + 1) * batch)

    def trace_of(self, place: int) -> Trace:
        """One run. Its edits are not told; what it stored is as it was recorded."""
        rows = self.rows(place)
        recorded = None
        if self.record is not None:
            behind, intact = some_rows(self.record, rows), self.trace.record
            layers = [*intact.layers[: self.start], *behind.layers]
            recorded = Record(intact.embed, intact.pos, layers, behind.final, behind.final_inverse_scale)
        return Trace(
            self.trace.weights, self.trace.tokens, self.trace.edits, self.trace.batched, self.logits[rows], recorded
        )


def starts(trace: Trace, reader: Reader) -> int:
    """The layer from which on a change of what ``reader`` reads matters."""
    return trace.weights.architecture.n_layers if reader.is_unembed else reader.layer


def without(trace: Trace, losses: Sequence[Loss], *, at: int | None = None, keep: bool = False) -> Variants:
    """Run a recorded, unedited run once for each loss; all of their readers are met in one layer.

    ``at``: logits of this token alone. ``keep``: record what the layers from there on do.
    """
    weights, record = trace.weights, trace.record
    start, batch = starts(trace, losses[0].reader), len(trace.tokens)
    assert record.final is not None
    stream = record.final if start == weights.architecture.n_layers else record.layers[start].stream
    given = [
        Loss(loss.writer, loss.reader, loss.value, slice(place * batch, (place + 1) * batch))
        for place, loss in enumerate(losses)
    ]
    beside = record.pos if weights.architecture.positions == "shortformer" else None
    kept = Record() if keep else None
    with torch.no_grad():
        edited = Edited(weights, given=given)
        logits = onward(weights, start, stream.repeat(len(losses), 1, 1), beside, edited, kept, at=at)
    return Variants(trace, start, logits, kept)
