"""Many edited runs of one recorded run, each of which gives what ``run(model, tokens, edits)`` gives.

What comes before the first edit of a run is taken from the record, layers and tokens alike; runs that begin in the same
layer go side by side, as many as fit. Runs whose edits meet the readers of one layer alone share that layer, too
(causal/branched.py). Test: tests/causal/test_engine.py.
"""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass

import torch

from loadstore.causal.batch import Batch
from loadstore.causal.branched import Taken, branched
from loadstore.decomposition.decomposition import turned
from loadstore.decomposition.reading import through
from loadstore.execution.branch import Difference
from loadstore.execution.changes import Loss
from loadstore.execution.edits import Cut, Deny, Edit, Freeze, Patch, reader_of, writer_of
from loadstore.execution.fitting import check
from loadstore.execution.forward import embedded, read_last, through_layers
from loadstore.execution.plan import Edited, frozen_heads, removed, strongest
from loadstore.execution.record import Record
from loadstore.execution.together import Together
from loadstore.execution.trace import Trace
from loadstore.model.ports import reading
from loadstore.sites import POS, Writer

TOKENS = 2048  # side by side
LOGITS = 1 << 25  # of one batch: 128 MB in float32


@dataclass(frozen=True)
class _Plan:
    """Where a run begins. Those that are equal in all of this may go side by side."""

    start: int
    part: str  # of the layer: "heads" or "mlp" where nothing else is met, or ""
    first: int
    norms: int  # the run whose scales are frozen

    @property
    def branches(self) -> bool:
        return bool(self.part)


def rerun(trace: Trace, edits: Sequence[Edit]) -> Trace:
    """Return the run with edits, besides those that it has. Raises what ``run`` raises for edits."""
    (batch,) = reruns(trace, [edits], keep=True)
    return batch.trace_of(0)


def reruns(
    trace: Trace, lists: Sequence[Sequence[Edit]], *, at: int | None = None, keep: bool = False
) -> Iterator[Batch]:
    """Run a prompt again with each of several lists of edits.

    Args:
        trace: The run that is edited; it may have edits, which stay.
        lists: The edits of each run.
        at: The one token whose logits are asked for, from 0; all tokens if None.
        keep: Record the runs, so that each can be had as a ``Trace``.

    Yields:
        The runs in batches, in the order of the layers in which they begin.

    Raises:
        NoSuchSite, NoSuchWire, BadPrompt, BadRequest, Undefined: As ``run`` does for edits that do not fit.
    """
    groups: dict[Hashable, tuple[_Plan, list[int]]] = {}
    for place, edits in enumerate(lists):
        check(trace.weights, trace.tokens, [*trace.edits, *edits])
        plan = _planned(trace, edits, at, keep=keep)
        groups.setdefault(plan, (plan, []))[1].append(place)
    for plan, places in sorted(groups.values(), key=lambda group: group[0].start):
        step = _side_by_side(trace, at)
        for some in (places[low : low + step] for low in range(0, len(places), step)):
            edits = tuple((*trace.edits, *lists[place]) for place in some)
            go = _branched if plan.branches else _together
            yield go(trace, plan, tuple(some), edits, at, keep=keep)


def starts(trace: Trace, edit: Edit) -> int:
    """The first layer that an edit can change; n_layers for the unembedding."""
    if isinstance(edit, Freeze):
        return 0 if edit.what == "norms" else min(head.layer for head in frozen_heads(trace.weights, edit))
    reader = reader_of(edit)
    if reader is None:
        writer = writer_of(edit)
        return 0 if writer is None else max(0, writer.layer)
    return trace.weights.architecture.n_layers if reader.is_unembed else reader.layer


def _side_by_side(trace: Trace, at: int | None) -> int:
    """How many runs fit in one batch."""
    batch, tokens = trace.tokens.shape
    rows = batch * (tokens if at is None else 1)
    return max(1, min(TOKENS // (batch * tokens), LOGITS // (rows * trace.weights.architecture.vocab)))


def _planned(trace: Trace, edits: Sequence[Edit], at: int | None, *, keep: bool) -> _Plan:
    depth = trace.weights.architecture.n_layers
    start = min((starts(trace, edit) for edit in edits), default=depth)
    readers = {reader_of(edit) for edit in edits}
    met = {(reader.layer, reader.is_mlp) for reader in readers if reader is not None}
    if trace.edits or None in readers or len(met) > 1 or any(isinstance(edit, Deny) for edit in edits):
        norms = [
            id(edit.source) for edit in (*trace.edits, *edits) if isinstance(edit, Freeze) and edit.what == "norms"
        ]
        return _Plan(start, "", 0, norms[0] if norms else 0)
    first = 0 if keep else min((_first(trace, edit) for edit in edits), default=0)
    part = "mlp" if any(is_mlp for _, is_mlp in met) else "heads"
    return _Plan(start, part, first if at is None else min(first, at), 0)


def _first(trace: Trace, edit: Edit) -> int:
    """The first token at which an edit of one wire can change anything."""
    if isinstance(edit, Freeze | Deny):
        return 0
    length = trace.tokens.shape[1]
    if edit.at is not None:
        return min(place % length for place in edit.at)
    if not isinstance(edit, Patch) or getattr(edit.source, "edits", True):
        return 0
    differ = (trace.tokens != edit.source.tokens).any(0)
    return int(differ.int().argmax()) if bool(differ.any()) else length - 1


def _recorded(trace: Trace, writer: Writer) -> torch.Tensor:
    """What a pass finds when a writer stores: for heads, z; positions without a batch axis."""
    pos = trace.record.pos
    return pos if writer == POS and pos is not None else trace.record.inner([writer])[:, :, 0]


def _branched(
    trace: Trace,
    plan: _Plan,
    places: tuple[int, ...],
    lists: tuple[tuple[Edit, ...], ...],
    at: int | None,
    *,
    keep: bool,
) -> Batch:
    differences: list[Difference] = []
    losses: list[tuple[int, Loss]] = []
    for run, edits in enumerate(lists):
        for edit in strongest(edits):
            reader = reader_of(edit)
            assert reader is not None
            assert isinstance(edit, Cut | Patch)
            value = removed(trace.weights, edit, _recorded(trace, edit.writer))
            if reader.is_mlp or reader.is_unembed:
                losses.append((run, Loss(edit.writer, reader, value)))
                continue
            value = value.expand(*trace.tokens.shape, -1)
            part = through(trace, reader, edit.writer, value) @ reading(trace.weights, reader).matrix
            differences.append(Difference(run, reader, turned(trace, reader, part)))
    taken = Taken(len(lists), plan.start, differences, losses, plan.first)
    read, step, record = branched(trace, taken, at, keep=keep)
    return Batch(trace, places, lists, plan.start, plan.first, read, record, step, at)


def _together(
    trace: Trace,
    plan: _Plan,
    places: tuple[int, ...],
    lists: tuple[tuple[Edit, ...], ...],
    at: int | None,
    *,
    keep: bool,
) -> Batch:
    weights, record, runs = trace.weights, trace.record, len(lists)
    parts: list[Edited] = []
    for edits in lists:
        wires = [edit.writer for edit in edits if isinstance(edit, Cut | Patch) and edit.reader is not None]
        known = {writer: _recorded(trace, writer) for writer in wires if plan.start and writer.layer < plan.start}
        parts.append(Edited(weights, edits, values=known))
    edited, kept = Together(parts, len(trace.tokens)), Record() if keep else None
    depth = weights.architecture.n_layers
    with torch.no_grad():
        if plan.start == 0:
            stream, beside = embedded(weights, trace.tokens.repeat(runs, 1), edited, kept)
        else:
            found = record.final if plan.start == depth else record.layers[plan.start].stream
            assert found is not None
            stream, beside = found.repeat(runs, 1, 1), None
            if record.pos is not None and weights.architecture.positions_bypass_norm:
                beside = record.pos if record.pos.dim() == 2 else record.pos.repeat(runs, 1, 1)
        stream = through_layers(weights, plan.start, stream, beside, edited, kept)
        read = read_last(weights, stream, edited, kept)
    return Batch(trace, places, lists, plan.start, 0, read if at is None else read[:, [at]], kept, None, at)
