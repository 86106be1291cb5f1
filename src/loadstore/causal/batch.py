"""Several edited runs computed together: the unembedding's input in each, and each as a separate run."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import torch

from loadstore.axes import Logits, Stream
from loadstore.execution.edits import Edit
from loadstore.execution.extent import blanked
from loadstore.execution.forward import unembed
from loadstore.execution.overflow import finite
from loadstore.execution.record import LayerRecord, Record
from loadstore.execution.run import replayed
from loadstore.execution.trace import Trace
from loadstore.model.finite import is_finite


@dataclass(frozen=True, eq=False)
class Batch:
    """Edited runs of one prompt or batch of prompts.

    Args:
        trace: The run that was edited.
        places: The indices of the runs in the requested list.
        edits: All edits of each run, those of ``trace`` first.
        start: The first recomputed layer; earlier layers are those of ``trace``.
        first: The first recomputed token.
        read: The unembedding's input [run × prompt, token, d_model], for all recomputed tokens or the requested one.
        record: The layers from ``start`` on, if they were kept.
        step: The record of layer ``start``; None if only the unembedding's input differs.
        at: The token of each prompt whose logits were requested; None for all tokens.
    """

    trace: Trace
    places: tuple[int, ...]
    edits: tuple[tuple[Edit, ...], ...]
    start: int
    first: int
    read: Stream
    record: Record | None
    step: LayerRecord | None
    at: tuple[int, ...] | None = None

    def rows(self, run: int) -> slice:
        """The rows of one run."""
        batch = len(self.trace.tokens)
        return slice(run * batch, (run + 1) * batch)

    @cached_property
    def logits(self) -> Logits:
        """Logits [run × prompt, token, vocab] of all tokens or of the requested one. Raises Undefined on overflow."""
        with torch.no_grad():
            logits = unembed(self.trace.weights, self.read)
        if not is_finite(logits):
            for run, edits in enumerate(self.edits):
                finite(self.trace.weights, self.trace.tokens, edits, logits[self.rows(run)])
        if self.at is None:
            logits = blanked(logits, [length - self.first for length in self.trace.lengths] * len(self.edits))
        if self.at is None and self.first:
            before = self.trace.all_logits[:, : self.first].repeat(len(self.edits), 1, 1)
            logits = torch.cat([before, logits], 1)
        return logits

    def trace_of(self, run: int) -> Trace:
        """One run, as ``run(model, tokens, edits)`` returns it; NaN for logits that were not requested."""
        rows = self.rows(run)
        logits = self.logits[rows]
        if self.at is not None:
            asked, logits = logits[:, 0], torch.full_like(self.trace.all_logits, torch.nan)
            logits[torch.arange(len(self.at)), self.at] = asked
        return replace(self.trace, all_logits=logits, edits=self.edits[run], replay=lambda: self._recorded(rows))

    def traces(self) -> Iterator[tuple[int, Trace]]:
        """Each run with its index."""
        for run, index in enumerate(self.places):
            yield index, self.trace_of(run)

    def _recorded(self, rows: slice) -> Record:
        """The record of one run, including the layers before ``start``."""
        intact = self.trace.record
        if self.record is None:  # requested although it was not kept
            return replayed(self.trace, self.edits[rows.start // len(self.trace.tokens)])
        behind = self.record.rows(rows)
        embed = intact.embed if behind.embed is None else behind.embed
        pos = intact.pos if behind.embed is None else behind.pos
        layers = [*intact.layers[: self.start], *behind.layers]
        return Record(embed, pos, layers, behind.final, behind.final_inverse_scale)
