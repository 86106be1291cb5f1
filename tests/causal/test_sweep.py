"""A sweep gives what one whole pass for each wire gives, on every kind of model, and sooner on a real one."""

import time
from collections.abc import Callable
from typing import TypeVar

import numpy as np
import pytest
import torch
from close import assert_close
from each import each
from hostile import refusal, unchecked
from tiny import MODERN, OTHER_HALF, Kind, some_tokens, tiny

import loadstore as ls
from loadstore.causal.measure import measure
from loadstore.causal.metrics import Measured
from loadstore.errors import BadPrompt, BadRequest, NoSuchSite, NoSuchWire, Undefined
from loadstore.execution.edits import Edit
from loadstore.model.wiring import wiring

T = TypeVar("T")
READERS = ["L0.H2.K", "L1.H0.Q", "L1.H1.V", "L1.mlp", "L2.H2.K", "L2.H0.V", "L2.mlp", "unembed"]
METRICS: dict[str, Measured] = {
    "log_probability": ls.metrics.log_probability(3, at=-2),
    "logit_difference": ls.logit_difference(2, 5, at=4),
    "kl": ls.metrics.kl(),
    "kl at": ls.metrics.kl(at=-1),
    "loss": ls.metrics.loss(),
    "pattern_entry": ls.metrics.pattern_entry("L2.H1", 6, 5),
    "function": lambda trace: trace.written("L1.H0")[3, 2] + trace.logits[-1, 0],
}


def each_alone(trace: ls.Trace, source: ls.Trace | None, wires: list[tuple[str, str]], metric: Measured) -> list[float]:
    edits: list[Edit] = [ls.cut(w, r) if source is None else ls.patch(w, source, reader=r) for w, r in wires]
    before = measure(metric, trace, trace)
    runs = [ls.run(trace.weights, trace.tokens, [edit], record=True) for edit in edits]
    return [float((measure(metric, run, trace) - before).mean()) for run in runs]


def wires_of(model: ls.Weights) -> list[tuple[str, str]]:
    network = wiring(model)
    readers = [reader for reader in network.readers if str(reader) in READERS]
    pairs = [
        (str(network.writers_of(r)[place]), str(r))
        for r in readers
        for place in (-1, len(network.writers_of(r)) // 2, 0)
    ]
    return list(dict.fromkeys(pairs))


@each("kind", OTHER_HALF, str)
def test_a_sweep_is_one_whole_pass_for_each_wire(kind: Kind) -> None:
    model = tiny(kind)
    here, source = (ls.run(model, some_tokens(model, seed=seed), record=True) for seed in (0, 1))
    wires = wires_of(model)[::4]
    found = ls.experiments.sweep(here, wires, metric=METRICS["kl"], source=source)
    expected = each_alone(here, source, wires, METRICS["kl"])
    assert found.change.values == pytest.approx(expected, rel=1e-9, abs=1e-9)
    assert list(zip(found.writer.values, found.reader.values, strict=True)) == wires
    assert found.attrs["before"] == 0


@pytest.mark.parametrize("kind", [MODERN[3], MODERN[8]], ids=str)
@pytest.mark.parametrize("name", METRICS)
def test_every_metric_can_be_swept(kind: Kind, name: str) -> None:
    model, metric = tiny(kind), METRICS[name]
    tokens = some_tokens(model)
    changed = torch.cat([tokens[:, :3], some_tokens(model, seed=1)[:, 3:]], 1)  # runs that begin alike
    here, there = ls.run(model, tokens, record=True), ls.run(model, changed, record=True)
    edited = [ls.run(model, tokens, [ls.ablate("L0.H1")])] if name == "kl" else []
    for source in (None, there, *edited):
        found = ls.experiments.sweep(here, wires_of(model)[1::4], metric=metric, source=source)
        expected = each_alone(here, source, wires_of(model)[1::4], metric)
        assert found.change.values == pytest.approx(expected, rel=1e-9, abs=1e-9)
        assert max(map(abs, expected)) > 1e-7


def test_globs_name_the_wires_that_exist() -> None:
    model = tiny(Kind("learned", "rms", False, "parallel", window=True))
    trace, network = ls.run(model, some_tokens(model)[0], record=True), wiring(model)
    every = ls.experiments.sweep(trace, metric=ls.metrics.loss())
    assert every.sizes["wire"] == int(network.exists.sum())
    some = ls.experiments.sweep(trace, ["L0.* -> L1.*.K", "embed → *.mlp"], metric=ls.metrics.loss())
    assert set(some.reader.values) == {"L0.mlp", "L1.mlp", "L2.mlp", "L1.H0.K", "L1.H1.K", "L1.H2.K"}
    table = {(w, r): c for w, r, c in zip(every.writer.values, every.reader.values, every.change.values, strict=True)}
    for w, r, change in zip(some.writer.values, some.reader.values, some.change.values, strict=True):
        assert change == pytest.approx(table[w, r], rel=1e-9, abs=1e-12)


def test_time_is_told_after_the_first_batch_and_progress_after_each(monkeypatch: pytest.MonkeyPatch) -> None:
    model = tiny(Kind("learned", "layer", True))
    trace = ls.run(model, some_tokens(model)[0], record=True)
    monkeypatch.setattr("loadstore.causal.engine.TOKENS", 18)
    told: list[float | tuple[int, int]] = []
    found = ls.experiments.sweep(
        trace,
        "embed -> L1.*",
        metric=ls.metrics.kl(),
        progress=lambda done, of: told.append((done, of)),
        estimate=lambda seconds: told.append(seconds),
    )
    assert told == [found.attrs["seconds"], (2, 9), (4, 9), (6, 9), (8, 9), (9, 9)]
    assert 0 < found.attrs["seconds"] < 60


def test_what_cannot_be_swept_is_refused() -> None:
    model = tiny(Kind("learned", "layer", True))
    trace = ls.run(model, some_tokens(model), record=True)
    metric = ls.metrics.loss()
    refusal(
        lambda: ls.experiments.sweep(ls.run(model, [1, 2], [ls.ablate("embed")]), metric=metric),
        Undefined,
        "without edits",
    )
    refusal(lambda: ls.experiments.sweep(trace, "L2.H0 -> L1.*", metric=metric), NoSuchWire, "names no wire")
    refusal(lambda: ls.experiments.sweep(trace, ["L2.H0", "* -> L1.*"], metric=metric), BadRequest, "globs of writers")
    refusal(lambda: ls.experiments.sweep(trace, "L7.* -> *", metric=metric), NoSuchSite, "nothing matches")
    refusal(lambda: ls.experiments.sweep(trace, [("L2.H0", "L1.H0.K")], metric=metric), NoSuchWire, "stores after")
    refusal(lambda: ls.experiments.sweep(trace, [], metric=metric), BadRequest, "wires=")
    short = ls.run(model, some_tokens(model, length=4))
    refusal(lambda: ls.experiments.sweep(trace, metric=metric, source=short), BadPrompt, "equal length")
    with unchecked():
        refusal(lambda: ls.experiments.sweep(trace, [("embed",)], metric=metric), BadRequest, "wires=")


@pytest.mark.alone
@pytest.mark.nightly
def test_path_patching_smollm2_takes_a_fifth_of_a_pass_for_each_wire() -> None:
    model = ls.load("smollm2")
    shared = "In the small town by the river, as everyone who still lives there knows,"
    one, other = (f"{shared} {names}" for names in (TALE, TALE.replace("Mary", "Anna").replace("John", "Paul")))
    here, there = (ls.run(model, text, record=True) for text in (one, other))
    assert here.tokens.shape[1] == 40
    metric = ls.logit_difference(" Mary", " John")
    found, swept = took(lambda: ls.experiments.sweep(here, "* -> L18.H4.?", metric=metric, source=there))
    wires = list(zip(found.writer.values, found.reader.values, strict=True))[:: found.sizes["wire"] // 8]
    runs, alone = took(lambda: [ls.run(model, here.tokens, [ls.patch(w, there, reader=r)]) for w, r in wires])
    expected = [float(metric(run, here)[0]) for run in runs]
    some = found.change.values[:: found.sizes["wire"] // 8] + found.attrs["before"]
    scale = max(float(run.logits[-1].abs().max()) for run in runs)
    assert_close(some, expected, dtype=torch.float32, terms=30 * 1024, scale=scale)
    ratios = alone * found.sizes["wire"] / (swept * len(wires))
    print(
        f"a pass for each wire takes {ratios[0]:.1f} times a sweep's wall time, {ratios[1]:.1f} times its processor's"
    )
    assert ratios.max() > 5  # what else the machine does, it does to one of the two


def took(work: Callable[[], T]) -> tuple[T, np.ndarray]:
    """A result, and the seconds that it took by the wall and by the processor."""
    before = np.array([time.perf_counter(), time.process_time()])
    found = work()
    return found, np.array([time.perf_counter(), time.process_time()]) - before


TALE = "that Mary and John went to the store together, and after they had paid, John gave a large bottle of milk to"
