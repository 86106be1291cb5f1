"""Edits each of many wires or writers separately and measures the change of a metric.

The change is that of ``run(…, edits=[edit])`` with ``cut``, ``ablate`` or ``patch``, one pass for each
(tests/causal/test_sweep.py, tests/causal/test_sweep_writers.py). The edits: docs/interventions.md.
"""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor

from loadstore.causal.batch import Batch
from loadstore.causal.engine import reruns, starts
from loadstore.causal.measure import as_metric, described, measure, needs_last, needs_record
from loadstore.causal.metrics import Measured
from loadstore.causal.predictions import Metric, Prediction
from loadstore.causal.swept import Swept, Wires, swept
from loadstore.causal.swept import Wire as Wire
from loadstore.cost.layers import layer_parameters
from loadstore.errors import BadRequest, Undefined
from loadstore.execution.kinds import Edit
from loadstore.execution.positions import At, token_indices
from loadstore.execution.trace import Trace
from loadstore.progress import Progress
from loadstore.quote import quote
from loadstore.threads import threads_for

if TYPE_CHECKING:
    import xarray as xr

Ablated: TypeAlias = Literal["mean", "zero"]


@threads_for(0)
def sweep(
    trace: Trace,
    wires: Wires = "* -> *",
    *,
    metric: Measured,
    source: Trace | None = None,
    by: Ablated = "mean",
    at: At | None = None,
    estimate: Callable[[float], None] | None = None,
    progress: Progress | None = None,
) -> "xr.Dataset":
    """Edit every wire or every writer separately: cut or ablate it, or patch it from ``source``.

    Args:
        trace: A run of one prompt or a batch, without edits.
        wires: Globs of wires, ``"* -> L18.*.K"``, or a list of (writer, reader); or globs of writers, ``"L*.H*"``,
            whose edits apply to all readers. ``"L*.stream"`` is the stream before each layer.
        metric: A metric, a function of a run of one prompt, or a function of ``logits`` [prompt, vocab] after the last
            token.
        source: A run of equally many tokens to patch from, such as one of a counterfactual prompt. None: cut or ablate.
        by: The replacement of a store if there is no ``source``: its mean over the run, or zero.
        at: Edit only at this token, an index or a text; ``"each"``: at each token separately.
        progress: Called with (done, total) after every batch.
        estimate: Called after the first batch with the expected total time in seconds.

    Returns:
        Dataset with dim wire, or writer, and with ``at="each"`` also token. ``change``: of the metric, mean over
        prompts; ``standard_error`` over prompts, NaN for one prompt. Select wires by ``.sel(writer="L20.H0")`` and
        ``.sel(reader="L23.H0.Q")``. Attributes: ``before``, the metric of ``trace``, and ``seconds``, the expected
        time.

    Raises:
        NoSuchSite, NoSuchWire: A name or glob matches nothing.
        BadRequest, BadPrompt: The metric, a token or ``source`` is invalid.
        Undefined: The run has edits, or ``at="each"`` is given for prompts of unequal length.

    Example:
        >>> import loadstore as ls
        >>> model = ls.load("builtin")
        >>> trace = ls.run(model, "the cat sat on the mat. the dog sat")
        >>> heads = ls.experiments.sweep(trace, "L*.H*", metric=ls.metrics.log_probability(" on"), by="zero")
        >>> heads.change.sel(writer="L1.H4").item() < 0
        True
    """
    import xarray as xr

    if trace.edits:
        raise Undefined("wires are swept on a run without edits; run the prompt without them")
    if source is not None and by != "mean":
        raise BadRequest(f"by={quote(repr(by), 60)} is for a sweep without source=; leave one of them out")
    asked = swept(trace, wires, at)
    edits = list(asked.edits(trace, source, by))
    metric = as_metric(metric)
    before = measure(metric, trace, trace)
    changes = torch.full((len(edits), len(before)), torch.nan, dtype=torch.float64)
    costs = [_cost(trace, edit, metric) for edit in edits]
    assert trace.record.final is not None  # recorded before timing, so that the first batch does not include it
    done, seconds, started = 0, 0.0, time.perf_counter()
    keep = needs_record(metric, trace)
    last = not (keep or isinstance(metric, Metric)) and needs_last(metric, trace)
    ends = token_indices(trace, metric.at) if isinstance(metric, Prediction) else None
    ends = token_indices(trace, -1) if last else ends
    for batch in reruns(trace, [[edit] for edit in edits], at=ends, keep=keep):
        changes[list(batch.places)] = _measured(batch, metric) - before
        if not done:
            rate = (time.perf_counter() - started) / sum(costs[index] for index in batch.places)
            seconds = rate * sum(costs)
            if estimate is not None:
                estimate(seconds)
        done += len(batch.places)
        if progress is not None:
            progress(done, len(edits))
    count = len(before)
    error = changes.std(1) / count**0.5 if count > 1 else torch.full_like(changes[:, 0], torch.nan)
    dims, coords = _axes(trace, asked)
    sizes = (len(asked.tokens or ()), -1) if asked.each else (-1,)
    table = xr.Dataset(
        {"change": (dims, changes.mean(1).view(sizes).numpy()), "standard_error": (dims, error.view(sizes).numpy())},
        coords=coords,
        attrs={
            "model": trace.weights.name,
            "bos": trace.weights.begins,
            "definition": _definition(asked, source, by),
            "metric": described(metric),
            "before": float(before.mean()),
            "prompts": count,
            "tokens": trace.tokens.shape[1],
            "seconds": seconds,
        },
    )
    return table.set_xindex("writer").set_xindex("reader") if asked.wires else table.transpose("writer", ...)


def _axes(trace: Trace, asked: Swept) -> tuple[tuple[str, ...], dict[str, tuple[str, list[str] | list[int]]]]:
    """The axes of the result, tokens first, and their labels."""
    axis = "wire" if asked.wires else "writer"
    writers = [writer for writer, _ in asked.wires] or list(asked.writers)
    coords: dict[str, tuple[str, list[str] | list[int]]] = {"writer": (axis, [str(writer) for writer in writers])}
    if asked.wires:
        coords["reader"] = axis, [str(reader) for _, reader in asked.wires]
    else:
        coords["layer"] = axis, [writer.layer for writer in writers]
    if asked.each:
        coords["token"] = "token", list(asked.tokens or ()) if trace.batched else trace.labels
    return ("token", axis) if asked.each else (axis,), coords


def _definition(asked: Swept, source: Trace | None, by: Ablated) -> str:
    """A description of the edit of each wire or writer."""
    replaced = f"by {'the mean of the run' if by == 'mean' else by}"
    if asked.wires:
        how = f"cut, {replaced}" if source is None else "patched from another run"
        return f"change of the metric with one wire {how}, norm scales of its reader frozen"
    how = f"ablated, {replaced}" if source is None else "patched from another run"
    return f"change of the metric with the store of one writer {how}, for all readers"


def _cost(trace: Trace, edit: Edit, metric: Measured) -> float:
    """Multiplications per token of one run: the layers after the edit, and the requested logits."""
    shape = trace.weights.architecture
    rows = 1 / trace.tokens.shape[1] if isinstance(metric, Prediction) else 1.0
    layers = shape.n_layers - starts(trace, edit)
    return layers * layer_parameters(shape) + rows * shape.d_model * shape.vocab


def _measured(batch: Batch, metric: Measured) -> Float[Tensor, "run prompt"]:
    """The metric of each run."""
    trace, runs = batch.trace, len(batch.places)
    if isinstance(metric, Prediction):
        assert batch.at is not None
        intact = trace.all_logits[torch.arange(len(batch.at)), batch.at].repeat(runs, 1)
        return metric.of(trace.weights, batch.logits[:, 0], intact).double().cpu().view(runs, -1)
    return torch.stack([measure(metric, batch.trace_of(run), trace) for run in range(runs)])
