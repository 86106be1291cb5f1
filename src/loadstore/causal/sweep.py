"""Every one of many wires cut, or patched from another run, by itself: what becomes of a metric.

The change is that of ``run(…, edits=[cut(writer, reader)])`` or ``[patch(writer, source, reader=reader)]``, one pass
for each wire (tests/causal/test_sweep.py). docs/interventions.md says what a cut and a patch are.
"""

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor

from loadstore.causal.batch import Batch
from loadstore.causal.engine import reruns, starts
from loadstore.causal.measure import described, measure
from loadstore.causal.metrics import Measured
from loadstore.causal.predictions import OfLogits, Prediction, token_index
from loadstore.errors import BadRequest, NoSuchWire, Undefined
from loadstore.estimates import layer_parameters
from loadstore.execution.edits import Edit, cut, patch
from loadstore.execution.trace import Trace
from loadstore.model.where import asked_for
from loadstore.model.wiring import Wiring, wiring
from loadstore.progress import Progress
from loadstore.sites import Reader, Writer
from loadstore.threads import threads_for

if TYPE_CHECKING:
    import xarray as xr

Wire: TypeAlias = tuple[Writer, Reader]
Wires: TypeAlias = str | Sequence[str] | Sequence[tuple[Writer | str, Reader | str]]


@threads_for(0)
def sweep(
    trace: Trace,
    wires: Wires = "* -> *",
    *,
    metric: Measured,
    source: Trace | None = None,
    progress: Progress | None = None,
    estimate: Callable[[float], None] | None = None,
) -> "xr.Dataset":
    """Cut every wire by itself, or patch it from ``source``: Dataset over wire.

    ``wires``: one or several globs, ``"* -> L18.*.K"``, or a list of (writer, reader). change: of the metric, mean over
    prompts; standard_error over prompts (NaN for one). In the attributes ``before``, the metric of ``trace``,
    and ``seconds``, the time that all wires were expected to take after the first batch of them was measured;
    ``estimate`` gets it then, ``progress`` (done, of) after every batch. Raises Undefined for an edited run,
    NoSuchSite, NoSuchWire, BadRequest, BadPrompt.
    """
    import xarray as xr

    if trace.edits:
        raise Undefined("wires are swept on a run without edits; run the prompt without them")
    chosen = chosen_wires(wiring(trace.weights), wires)
    edits = [cut(w, r) if source is None else patch(w, source, reader=r) for w, r in chosen]
    before = measure(metric, trace, trace)
    changes = torch.full((len(chosen), len(before)), torch.nan, dtype=torch.float64)
    costs = [_cost(trace, edit, metric) for edit in edits]
    assert trace.record.final is not None  # recorded by now, so that this is no part of the first batch's time
    done, seconds, started = 0, 0.0, time.perf_counter()
    at = token_index(trace, metric.at) if isinstance(metric, Prediction) else None
    for batch in reruns(trace, [[edit] for edit in edits], at=at, keep=not isinstance(metric, OfLogits)):
        changes[list(batch.places)] = _measured(batch, metric) - before
        if not done:
            rate = (time.perf_counter() - started) / sum(costs[place] for place in batch.places)
            seconds = rate * sum(costs)
            if estimate is not None:
                estimate(seconds)
        done += len(batch.places)
        if progress is not None:
            progress(done, len(chosen))
    count = len(before)
    error = changes.std(1) / count**0.5 if count > 1 else torch.full_like(changes[:, 0], torch.nan)
    how = "cut, by the mean of the run" if source is None else "patched from another run"
    return xr.Dataset(
        {"change": ("wire", changes.mean(1).numpy()), "standard_error": ("wire", error.numpy())},
        coords={
            "writer": ("wire", [str(writer) for writer, _ in chosen]),
            "reader": ("wire", [str(reader) for _, reader in chosen]),
        },
        attrs={
            "model": trace.weights.name,
            "bos": trace.weights.begins,
            "definition": f"change of the metric with one wire {how}, norm scales of its reader frozen",
            "metric": described(metric),
            "before": float(before.mean()),
            "prompts": count,
            "tokens": trace.tokens.shape[1],
            "seconds": seconds,
        },
    )


def chosen_wires(network: Wiring, wires: Wires) -> list[Wire]:
    """The wires that globs or pairs name, each once; of globs those that exist. Raises NoSuchSite, NoSuchWire."""
    if isinstance(wires, str) or (wires and all(isinstance(each, str) for each in wires)):
        globs = [wires] if isinstance(wires, str) else [str(each) for each in wires]
        writers, readers, asked = asked_for(network, "*", "*", globs)
        exists = asked & network.between(writers, readers)
        if not exists.any():
            raise NoSuchWire(f"{', '.join(globs)} names no wire: its writers store after its readers have loaded")
        return [(writers[i], reader) for j, reader in enumerate(readers) for i in exists[:, j].nonzero()[0]]
    pairs = [each for each in wires if not isinstance(each, str)]
    if not pairs or len(pairs) < len(wires) or not all(len(pair) == 2 for pair in pairs):
        raise BadRequest("wires= is one or several globs, '* -> L1.*.K', or a list of (writer, reader)")
    return list(dict.fromkeys(network.wire(str(writer), str(reader)) for writer, reader in pairs))


def _cost(trace: Trace, edit: Edit, metric: Measured) -> float:
    """Multiplications of one run, for a token: the layers behind the edit, and the logits asked for."""
    shape = trace.weights.architecture
    rows = 1 / trace.tokens.shape[1] if isinstance(metric, Prediction) else 1.0
    layers = shape.n_layers - starts(trace, edit)
    return layers * layer_parameters(shape) + rows * shape.d_model * shape.vocab


def _measured(batch: Batch, metric: Measured) -> Float[Tensor, "run prompt"]:
    """The metric in each run."""
    trace, runs = batch.trace, len(batch.places)
    if isinstance(metric, Prediction):
        intact = trace.all_logits[:, batch.at].repeat(runs, 1)
        return metric.of(trace.weights, batch.logits[:, 0], intact).double().cpu().view(runs, -1)
    return torch.stack([measure(metric, batch.trace_of(run), trace) for run in range(runs)])
