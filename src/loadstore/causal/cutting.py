"""What cutting wires does on one run: only what comes after a wire's reader runs again, several wires at a time.

A cut removes a writer's store less its mean from one reader's input, norm scales frozen. Its effect on the reader:

    Q, K       change = ½ Σ_j |A_ij − A′_ij|, mean over queries      kl = KL(A‖A′)
    V, MLP     change = ‖o − o′‖/‖o‖, o what the head or MLP stores, the first token left out
    unembed    change = ½ Σ |p − p′|, mean over tokens               kl = KL(p‖p′)

and on the prediction: ``target``, the change of the log-probability of what really follows (mean over tokens), or of
one chosen token. Tests: tests/causal/test_cutting.py.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from loadstore.axes import Stream
from loadstore.causal.onward import TOKENS
from loadstore.causal.own_cuts import pattern_divergence, pattern_without
from loadstore.causal.rest import (
    ROWS,
    Target,
    final_stream,
    head_stores_more,
    mlp_reads,
    mlp_stores,
    target_log_probability,
)
from loadstore.causal.sweep import Wire
from loadstore.decomposition.deviations import Mean, deviations, removed
from loadstore.errors import Undefined
from loadstore.execution.forward import unembed
from loadstore.execution.trace import Trace
from loadstore.model.norms import normalise
from loadstore.model.ports import heads_out
from loadstore.sites import Reader, Writer
from loadstore.threads import threads_for


@dataclass(frozen=True, slots=True)
class Effect:
    """One wire cut on one run; kl is NaN for V and MLPs."""

    change: float
    kl: float
    target: float


@dataclass(frozen=True, eq=False)
class _Local:
    """How much a reader itself changes, and what it stores more."""

    change: float
    kl: float
    stored: Stream


@threads_for(0)
def cut_each(
    trace: Trace, wires: Sequence[Wire], target: Target | None = None, mean: Mean | None = None
) -> list[Effect]:
    """Cut each wire by itself, by its mean on this run unless ``mean`` gives another.

    Raises Undefined for an edited run.
    """
    if trace.edits:
        raise Undefined("effects are measured on a run without edits; run the prompt without them")
    assert trace.record.final is not None
    intact = float(target_log_probability(trace, trace.record.final, target))
    found: dict[int, Effect] = {}
    layers: dict[tuple[int, bool], list[int]] = {}
    for place, (writer, reader) in enumerate(wires):
        if reader.is_unembed:
            found[place] = _prediction(trace, removed(trace, reader, writer, mean), target, intact)
        else:
            layers.setdefault((reader.layer, reader.is_mlp), []).append(place)
    step = max(1, TOKENS // trace.tokens.numel())
    for (layer, is_mlp), places in layers.items():
        for some in (places[start : start + step] for start in range(0, len(places), step)):
            local = _each(trace, [wires[place] for place in some], mean)
            stream = final_stream(trace, layer, torch.cat([each.stored for each in local]), mlp=is_mlp)
            values = [target_log_probability(trace, part, target) for part in stream.split(len(trace.tokens))]
            for place, each, value in zip(some, local, values, strict=True):
                found[place] = Effect(each.change, each.kl, float(value) - intact)
    return [found[place] for place in range(len(wires))]


@threads_for(0)
def reader_changes(trace: Trace, wires: Sequence[Wire], mean: Mean | None = None) -> list[float]:
    """The ``change`` of each wire's own reader alone, for wires into heads and MLPs; nothing behind it runs."""
    return [local.change for local in _each(trace, wires, mean)]


def _each(trace: Trace, wires: Sequence[Wire], mean: Mean | None) -> list[_Local]:
    """What each cut does to its own reader, those of one head side together."""
    found: dict[Wire, _Local] = {}
    readers: dict[Reader, list[Writer]] = {}
    for writer, reader in wires:
        readers.setdefault(reader, []).append(writer)
    for reader, writers in readers.items():
        if reader.is_mlp:
            reads = mlp_reads(trace, reader.layer)
            found |= {(w, reader): _mlp(trace, reader, reads, removed(trace, reader, w, mean)) for w in writers}
        else:
            changes = deviations(trace, reader, mean, writers)
            found |= {(w, reader): _head(trace, reader, change) for w, change in changes.items()}
    return [found[wire] for wire in wires]


def _mlp(trace: Trace, reader: Reader, reads: Stream, loss: Stream) -> _Local:
    stored = trace.record.layers[reader.layer].mlp
    assert stored is not None
    more = mlp_stores(trace, reader.layer, reads, loss) - stored
    return _Local(_relative(more, stored), math.nan, more)


def _head(trace: Trace, reader: Reader, change: Tensor) -> _Local:
    record, out = trace.record.layers[reader.layer], heads_out(trace.weights, reader.layer)[reader.index]
    pattern, v = record.pattern[:, reader.index], record.v[:, :, reader.index]
    if reader.side == "V":
        own, more = head_stores_more(trace, reader, -(pattern @ change))
        return _Local(_relative(own, record.inner[:, :, reader.index] @ out), math.nan, more)
    after = pattern_without(trace, reader, change)
    moved = float(0.5 * (pattern - after).abs().sum(-1).mean())
    _, more = head_stores_more(trace, reader, (after - pattern) @ v)
    return _Local(moved, pattern_divergence(trace, reader, change), more)


def _relative(change: Stream, whole: Stream) -> float:
    later = slice(min(1, whole.shape[1] - 1), None)
    return float(change[:, later].norm() / whole[:, later].norm())


def _prediction(trace: Trace, loss: Tensor, target: Target | None, intact: float) -> Effect:
    """A wire into the unembedding: its logits are all that changes."""
    weights = trace.weights
    assert trace.record.final is not None
    x, _ = normalise(trace.record.final, weights.norm(None), weights.architecture.eps)
    if target is None:
        known = torch.zeros(trace.tokens.shape, dtype=torch.bool)
        known[:, :-1] = True
        expected = trace.tokens.roll(-1, 1)
    else:
        known = torch.arange(trace.tokens.shape[1]).expand(trace.tokens.shape) == target[0]
        expected = torch.full_like(trace.tokens, target[1])
    moved = kl = value = 0.0
    before, after = x.flatten(0, 1).split(ROWS), (x - loss).flatten(0, 1).split(ROWS)
    places = zip(known.flatten().split(ROWS), expected.flatten().split(ROWS), strict=True)
    for was, now, (some, ids) in zip(before, after, places, strict=True):
        log_p, log_q = (unembed(weights, rows[None])[0].log_softmax(-1) for rows in (was, now))
        moved += float(0.5 * (log_p.exp() - log_q.exp()).abs().sum())
        kl += float((log_p.exp() * (log_p - log_q)).sum())
        value += float(log_q.gather(1, ids[:, None].to(log_q.device))[:, 0][some.to(log_q.device)].sum())
    count = trace.tokens.numel()
    return Effect(moved / count, kl / count, value / int(known.sum()) - intact)
