"""Many edited reruns of one recorded run, each equal to ``run(model, tokens, edits)``.

Layers and tokens before the first edit of a run are taken from the record. Runs that begin in the same layer share
batches, as large as fit. Runs whose edits only affect readers of one layer share that layer as well
(causal/branched.py). Test: tests/causal/test_engine.py.
"""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from loadstore.axes import Stream
from loadstore.causal.batch import Batch
from loadstore.causal.branched import Taken, branched
from loadstore.decomposition.decomposition import turned
from loadstore.decomposition.reading import through
from loadstore.execution.branch import Difference
from loadstore.execution.changes import Loss
from loadstore.execution.denials import refuse_denied_stores
from loadstore.execution.edits import Ablate, Cut, Deny, Edit, Freeze, Patch, reader_of, writer_of
from loadstore.execution.fitting import check
from loadstore.execution.forward import embedded, read_last, through_layers
from loadstore.execution.kinds import Asked
from loadstore.execution.plan import Edited, frozen_heads, removed, strongest
from loadstore.execution.record import Record
from loadstore.execution.several import expanded
from loadstore.execution.together import Together
from loadstore.execution.trace import Trace
from loadstore.model.ports import reading
from loadstore.sites import POS, Writer

TOKENS = 2048  # tokens in one batch
LOGITS = 1 << 25  # logits in one batch: 128 MB in float32


@dataclass(frozen=True)
class _Plan:
    """The starting point of a run. Runs with equal plans can share a batch."""

    start: int
    part: str  # "heads" or "mlp" of the layer if only its readers are edited, else ""
    first: int
    norms: int  # id of the run whose scales are frozen

    @property
    def branches(self) -> bool:
        return bool(self.part)


def rerun(trace: Trace, edits: Sequence[Asked]) -> Trace:
    """Return the run with these edits added to its own. Raises the errors of ``run`` for edits."""
    (batch,) = reruns(trace, [edits], keep=True)
    return batch.trace_of(0)


def reruns(
    trace: Trace, lists: Sequence[Sequence[Asked]], *, at: int | Sequence[int] | None = None, keep: bool = False
) -> Iterator[Batch]:
    """Run a prompt again with each of several lists of edits.

    Args:
        trace: The run to edit; its own edits are kept.
        lists: The edits of each run.
        at: The token whose logits are requested, from 0, or one token per prompt; all tokens if None.
        keep: Record the runs, so that each is available as a ``Trace``.

    Yields:
        The runs in batches, in the order of the layers in which they begin.

    Raises:
        NoSuchSite, NoSuchWire, BadPrompt, BadRequest, Undefined: As for edits of ``run``.
    """
    ends = None if at is None else (at,) * len(trace.tokens) if isinstance(at, int) else tuple(at)
    groups: dict[Hashable, tuple[_Plan, list[int]]] = {}
    listed = [expanded(trace, edits) for edits in lists]
    for index, edits in enumerate(listed):
        check(trace, [*trace.edits, *edits])
        refuse_denied_stores(trace.weights, edits)
        plan = _planned(trace, edits, None if ends is None else min(ends), keep=keep)
        groups.setdefault(plan, (plan, []))[1].append(index)
    for plan, places in sorted(groups.values(), key=lambda group: group[0].start):
        step = _side_by_side(trace, ends)
        for together in (places[low : low + step] for low in range(0, len(places), step)):
            edits = tuple((*trace.edits, *listed[index]) for index in together)
            go = _branched if plan.branches else _together
            yield go(trace, plan, tuple(together), edits, ends, keep=keep)


def starts(trace: Trace, edit: Edit) -> int:
    """The first layer that an edit can change; n_layers for the unembedding."""
    if isinstance(edit, Freeze):
        if edit.what == "norms":  # the run's own scales have no effect without another edit
            return trace.weights.architecture.n_layers if edit.source is trace else 0
        return min(head.layer for head in frozen_heads(trace.weights, edit))
    reader = reader_of(edit)
    if reader is None:
        writer = writer_of(edit)
        return 0 if writer is None else max(0, writer.layer)
    return trace.weights.architecture.n_layers if reader.is_unembed else reader.layer


def _side_by_side(trace: Trace, ends: tuple[int, ...] | None) -> int:
    """How many runs fit into one batch."""
    batch, tokens = trace.tokens.shape
    rows = batch * (tokens if ends is None else 1)
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
        first = 0 if keep or trace.edits else min((_first_store(trace, edit) for edit in edits), default=0)
        return _Plan(start, "", first if at is None else min(first, at), norms[0] if norms else 0)
    first = 0 if keep else min((_first(trace, edit) for edit in edits), default=0)
    part = "mlp" if any(is_mlp for _, is_mlp in met) else "heads"
    return _Plan(start, part, first if at is None else min(first, at), 0)


def _first_store(trace: Trace, edit: Edit) -> int:
    """The first token at which an edit can change anything, used as the first recomputed token.

    It is rounded down to a multiple of a quarter of the prompt, so that more runs share a batch, unless it is the last
    token. A mean over the run itself needs all tokens.
    """
    if isinstance(edit, Freeze) or reader_of(edit) is not None:
        return 0
    if isinstance(edit, Ablate) and edit.over is None and edit.by == "mean":
        return 0
    first, last = _first(trace, edit), min(trace.lengths) - 1
    return first if first == last else first - first % max(1, last // 4)


def _first(trace: Trace, edit: Edit) -> int:
    """The first token at which an edit of one wire can change anything."""
    if isinstance(edit, Freeze | Deny):
        return 0
    length = min(trace.lengths)
    if edit.at is not None:
        return min(token % each for token in edit.at for each in trace.lengths)
    if not isinstance(edit, Patch) or getattr(edit.source, "edits", True):
        return 0
    differ = (trace.tokens != edit.source.tokens).any(0)
    return int(differ.int().argmax()) if bool(differ.any()) else length - 1


def _recorded(trace: Trace, writer: Writer) -> torch.Tensor:
    """The value of a writer at its store in a pass: z for heads; positions have no batch axis."""
    pos = trace.record.pos
    return pos if writer == POS and pos is not None else trace.record.inner([writer])[:, :, 0]


def _branched(
    trace: Trace,
    plan: _Plan,
    places: tuple[int, ...],
    lists: tuple[tuple[Edit, ...], ...],
    ends: tuple[int, ...] | None,
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
            value = removed(trace.weights, edit, _recorded(trace, edit.writer), trace.extent)
            if reader.is_mlp or reader.is_unembed:
                losses.append((run, Loss(edit.writer, reader, value)))
                continue
            value = value.expand(*trace.tokens.shape, -1)
            part = through(trace, reader, edit.writer, value) @ reading(trace.weights, reader).matrix
            differences.append(Difference(run, reader, turned(trace, reader, part)))
    taken = Taken(len(lists), plan.start, differences, losses, plan.first)
    end = ends[0] if ends is not None and len(set(ends)) == 1 else None
    read, step, record = branched(trace, taken, end, keep=keep)
    read = read if end is not None else at_ends(read, ends, plan.first)
    return Batch(trace, places, lists, plan.start, plan.first, read, record, step, ends)


def at_ends(read: Stream, ends: tuple[int, ...] | None, first: int = 0) -> Float[Tensor, "batch row d_model"]:
    """One token of each prompt in all runs; all tokens if ``ends`` is None."""
    if ends is None:
        return read
    rows = torch.tensor(ends).repeat(len(read) // len(ends)) - first
    return read[torch.arange(len(read)), rows][:, None]


def _together(
    trace: Trace,
    plan: _Plan,
    places: tuple[int, ...],
    lists: tuple[tuple[Edit, ...], ...],
    ends: tuple[int, ...] | None,
    *,
    keep: bool,
) -> Batch:
    weights, record, runs, first = trace.weights, trace.record, len(lists), plan.first
    parts: list[Edited] = []
    for edits in lists:
        wires = [edit.writer for edit in edits if isinstance(edit, Cut | Patch) and edit.reader is not None]
        recorded = {writer: _recorded(trace, writer) for writer in wires if plan.start and writer.layer < plan.start}
        parts.append(Edited(weights, edits, values=recorded, extent=replace(trace.extent, first=plan.first)))
    edited, kept = Together(parts, len(trace.tokens)), Record() if keep else None
    depth = weights.architecture.n_layers
    with torch.no_grad():
        if plan.start == 0:
            stream, beside = embedded(weights, trace.tokens[:, first:].repeat(runs, 1), edited, kept, first)
        else:
            recorded_stream = record.final if plan.start == depth else record.layers[plan.start].stream
            assert recorded_stream is not None
            stream, beside = recorded_stream[:, first:].repeat(runs, 1, 1), None
            if record.pos is not None and weights.architecture.positions_bypass_norm:
                pos = record.pos[..., first:, :]
                beside = pos if pos.dim() == 2 else pos.repeat(runs, 1, 1)
        past = record if first else None
        stream = through_layers(weights, plan.start, stream, beside, edited, kept, first, past=past)
        read = at_ends(read_last(weights, stream, edited, kept), ends, first)
    return Batch(trace, places, lists, plan.start, first, read, kept, None, ends)
