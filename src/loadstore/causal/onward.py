"""Many runs that differ in one wire each: what comes before the wires' readers is run once, the rest side by side."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from loadstore.axes import Logits
from loadstore.execution.forward import Record, onward
from loadstore.execution.plan import Edited, Loss
from loadstore.execution.trace import Trace
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
        rows, trace = self.rows(place), self.trace
        return replace(trace, all_logits=self.logits[rows], replay=lambda: self._record(rows))

    def _record(self, rows: slice) -> Record:
        """What one run did, the layers before ``start`` included."""
        intact = self.trace.record
        if self.record is None:
            return intact
        behind = self.record.rows(rows)
        layers = [*intact.layers[: self.start], *behind.layers]
        return Record(intact.embed, intact.pos, layers, behind.final, behind.final_inverse_scale)


def starts(trace: Trace, reader: Reader) -> int:
    """The layer from which on a change of what ``reader`` reads matters."""
    return trace.weights.architecture.n_layers if reader.is_unembed else reader.layer


def without(
    trace: Trace, losses: Sequence[Loss], *, first: int = 0, at: int | None = None, keep: bool = False
) -> Variants:
    """Run a recorded, unedited run once for each loss; all of their readers are met in one layer.

    ``first``: the tokens before are met by no loss, and what they do is taken from the run. ``at``: logits of this
    token alone. ``keep``: record what the layers from there on do; all tokens run then.
    """
    weights, record = trace.weights, trace.record
    first = 0 if keep else first if at is None else min(first, at)
    start, batch = starts(trace, losses[0].reader), len(trace.tokens)
    assert record.final is not None
    stream = record.final if start == weights.architecture.n_layers else record.layers[start].stream
    given = [
        replace(loss, value=loss.value[..., first:, :], rows=slice(place * batch, (place + 1) * batch))
        for place, loss in enumerate(losses)
    ]
    bypassing = weights.architecture.positions_bypass_norm
    beside = record.pos[..., first:, :] if record.pos is not None and bypassing else None
    kept, past = Record() if keep else None, record if first else None
    many, edited, row = len(losses), Edited(weights, given=given), None if at is None else at - first
    with torch.no_grad():
        found = onward(weights, start, stream[:, first:].repeat(many, 1, 1), beside, edited, kept, first, row, past)
    if at is None and first:
        found = torch.cat([trace.all_logits[:, :first].repeat(many, 1, 1), found], 1)
    return Variants(trace, start, found, kept)
