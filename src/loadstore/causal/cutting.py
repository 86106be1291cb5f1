"""The effect of cutting wires on one run, several wires at a time: on each wire's reader, and on the prediction.

A cut removes a writer's store minus its mean from one reader's input, norm scales frozen. Its effect on the reader:

    Q, K       change = ½ Σ_j |A_ij − A′_ij|, mean over queries      kl = KL(A‖A′)
    V, MLP     change = ‖o − o′‖/‖o‖, where o is the head's or MLP's store, without the first token; for an expert its
               own store, for a router that of its MLP
    unembed    change = ½ Σ |p − p′|, mean over tokens               kl = KL(p‖p′)

The effect on the prediction is ``target``: the change of the log-probability of the actual next tokens (mean over
tokens), or of one chosen token. Tests: tests/causal/test_cutting.py.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from loadstore.axes import Stream
from loadstore.causal.branched import Taken, at_reader, branched
from loadstore.causal.engine import TOKENS
from loadstore.causal.own_cuts import pattern_divergence, pattern_without
from loadstore.causal.sweep import Wire
from loadstore.causal.target import Target, last_read, prediction_change, target_log_probability
from loadstore.causal.variation import variation
from loadstore.decomposition.deviations import Mean, deviations
from loadstore.errors import Undefined
from loadstore.execution.branch import Difference
from loadstore.execution.changes import Loss
from loadstore.execution.plan import replacement
from loadstore.execution.record import LayerRecord
from loadstore.execution.trace import Trace
from loadstore.model.opened import place_of
from loadstore.model.ports import heads_out
from loadstore.sites import Reader, Writer
from loadstore.threads import threads_for


@dataclass(frozen=True, slots=True)
class Effect:
    """The effect of one cut wire on one run; kl is NaN for V and MLPs."""

    change: float
    kl: float
    target: float


@threads_for(0)
def cut_each(
    trace: Trace, wires: Sequence[Wire], target: Target | None = None, mean: Mean | None = None
) -> list[Effect]:
    """Cut each wire separately, by its mean on this run or by ``mean`` if given.

    Raises Undefined for an edited run.
    """
    if trace.edits:
        raise Undefined("effects are measured on a run without edits; run the prompt without them")
    intact = float(target_log_probability(trace, last_read(trace), target))
    effects: dict[int, Effect] = {}
    for places in _batches(trace, wires):
        group = [wires[index] for index in places]
        taken = _taken(trace, group, mean)
        read, step, _ = branched(trace, taken)
        values = target_log_probability(trace, read, target).tolist()
        changes = _changes(trace, group, taken, step, read)
        for index, (change, kl), value in zip(places, changes, values, strict=True):
            effects[index] = Effect(change, kl, value - intact)
    return [effects[index] for index in range(len(wires))]


@threads_for(0)
def reader_changes(trace: Trace, wires: Sequence[Wire], mean: Mean | None = None) -> list[float]:
    """The ``change`` of each wire's own reader, for wires into heads and MLPs; later layers are not computed."""
    changes: dict[int, float] = {}
    for places in _batches(trace, wires):
        group = [wires[index] for index in places]
        taken = _taken(trace, group, mean)
        step, stream = at_reader(trace, taken)
        measured = _changes(trace, group, taken, step, stream)
        changes |= {index: change for index, (change, _) in zip(places, measured, strict=True)}
    return [changes[index] for index in range(len(wires))]


def _batches(trace: Trace, wires: Sequence[Wire]) -> Iterator[list[int]]:
    """Batches of indices of wires into the heads of one layer, into one MLP, or into the unembedding."""
    groups: dict[tuple[int, bool], list[int]] = {}
    for index, (_, reader) in enumerate(wires):
        groups.setdefault((reader.layer, reader.is_mlp), []).append(index)
    step = max(1, TOKENS // trace.tokens.numel())
    for places in groups.values():
        yield from (places[low : low + step] for low in range(0, len(places), step))


def _taken(trace: Trace, wires: Sequence[Wire], mean: Mean | None) -> Taken:
    """The part that each wire's cut removes from its reader; all head readers of a layer are computed together."""
    reader = wires[0][1]
    if reader.is_mlp or reader.is_unembed:
        losses = [(run, Loss(writer, end, _lost(trace, writer, mean))) for run, (writer, end) in enumerate(wires)]
        start = reader.layer if reader.is_mlp else trace.weights.architecture.n_layers
        return Taken(len(wires), start, losses=losses)
    readers: dict[Reader, list[Writer]] = {}
    for writer, end in wires:
        readers.setdefault(end, []).append(writer)
    parts: Mapping[Reader, Mapping[Writer, Tensor]] = {
        end: deviations(trace, end, mean, writers) for end, writers in readers.items()
    }
    differences = [Difference(run, end, parts[end][writer]) for run, (writer, end) in enumerate(wires)]
    return Taken(len(wires), reader.layer, differences)


def _lost(trace: Trace, writer: Writer, mean: Mean | None) -> Stream:
    store = trace.store(writer)
    return store - (replacement(store, "mean") if mean is None else mean(writer))


def _changes(
    trace: Trace, wires: Sequence[Wire], taken: Taken, step: LayerRecord | None, read: Stream
) -> list[tuple[float, float]]:
    """Change and kl of each wire's own reader."""
    batch = len(trace.tokens)
    rows = [slice(run * batch, (run + 1) * batch) for run in range(len(wires))]
    if step is None:
        return [prediction_change(trace, read[each]) for each in rows]
    if wires[0][1].is_mlp:
        ends = [(_stored(trace, trace.record.layers[r.layer], r), _stored(trace, step, r)) for _, r in wires]
        return [
            (_relative(after[each] - before, before), math.nan)
            for (before, after), each in zip(ends, rows, strict=True)
        ]
    values = [part.value for part in taken.differences]
    return [
        _head_changes(trace, reader, step.rows(each), value)
        for (_, reader), each, value in zip(wires, rows, values, strict=True)
    ]


def _stored(trace: Trace, step: LayerRecord, reader: Reader) -> Stream:
    """What an MLP stores, or the part of it that a reader inside makes; for a router, the whole."""
    column = place_of(trace.weights, reader) if reader.is_part else None
    stored = step.mlp if column is None or step.parts is None else step.parts[:, :, column]
    assert stored is not None
    return stored


def _head_changes(trace: Trace, reader: Reader, step: LayerRecord, value: Tensor) -> tuple[float, float]:
    record = trace.record.layers[reader.layer]
    if reader.side == "V":
        out = heads_out(trace.weights, reader.layer)[reader.index]
        was, now = (layer.inner[:, :, reader.index] for layer in (record, step))
        return _relative((now - was) @ out, was @ out), math.nan
    pattern = record.pattern[:, reader.index]
    moved = variation(trace.weights, reader.layer, pattern, pattern_without(trace, reader, value)).mean()
    return float(moved), pattern_divergence(trace, reader, value)


def _relative(change: Stream, whole: Stream) -> float:
    later = slice(min(1, whole.shape[1] - 1), None)
    return float(change[:, later].norm() / whole[:, later].norm())
