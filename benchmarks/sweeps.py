"""A sweep by the clock: the dry run beside the run, one worker beside two, and the overhead of an item.

    python benchmarks/sweeps.py [dry] [workers] [overhead]      all three without a name (minutes)

Times are of the clock, unless they are said to be of the processor, so other programs of the machine count: repeat a
run that they disturbed. Prints lines of JSON; docs/sweeps.md quotes them.
"""

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
import xarray  # noqa: F401, as the first analysis would import it

import loadstore as ls
from loadstore.checkpoints.digest import digest_of
from loadstore.checkpoints.families.own import save_weights
from loadstore.cost.machine import ORDINARY
from loadstore.model.weights import Weights
from loadstore.sweep import item
from loadstore.sweep.analyses import analyse
from loadstore.sweep.compute import Outcome
from loadstore.sweep.engine import Here, Unit
from loadstore.sweep.plan import Plan, plan_of
from loadstore.sweep.store import Store
from loadstore.sweep.sweep import sweep
from loadstore.sweep.work import size_of

ALL = "scores,heads,spectrum,traffic,tasks"
SHORT = ["scores", "heads", "spectrum"]
SMALL, COPIES = 100, 30  # checkpoints for the overhead, and for two workers
SETTLED = 10  # items after which memory should stay the same


def main(parts: Sequence[str]) -> None:
    torch.set_num_threads(1)
    for name, measure in {"dry": dry, "workers": workers, "overhead": overhead}.items():
        if name in parts or not parts:
            with TemporaryDirectory() as folder:
                print(json.dumps({name: measure(Path(folder)), "load before": os.getloadavg()[0]}), flush=True)


def small(folder: Path, count: int, vocab: int) -> None:
    """Save checkpoints of one layer of the built-in model, each with another embedding, with or without its text."""
    folder.mkdir()
    model = ls.load("builtin")
    shape = replace(model.architecture, n_layers=1, vocab=vocab)
    tokens = model.tokens if vocab == model.architecture.vocab else None
    for seed in range(count):
        drawn = torch.randn(vocab, shape.d_model, generator=torch.Generator().manual_seed(seed))
        cut = {"layers": model.layers[:1], "W_E": drawn, "W_U": model.W_U[:, :vocab], "tokens": tokens}
        save_weights(replace(model, architecture=shape, **cut), folder / f"{seed:03}.safetensors")


def dry(folder: Path) -> dict[str, Any]:
    """The built-in model and two small ones, every analysis, on one worker: what was expected, and what was seen."""
    small(folder / "small", 2, 4096)
    models = ["builtin", *map(str, sorted((folder / "small").iterdir()))]
    words = ["--models", *models, "--analysis", ALL, "--workers", "1", "--json"]
    expected = json.loads(_command([*words, "-o", str(folder / "run"), "--dry-run"])[0])
    _, seconds, processor = _command([*words, "-o", str(folder / "run")])
    hashed = [0]

    def counted(weights: Weights) -> str:
        hashed[0] += size_of(weights)
        return digest_of(weights)

    item.digest_of = counted  # pyright: ignore[reportPrivateImportUsage]
    engine = Watched()
    _swept(plan_of(models, ALL.split(",")), folder / "here", engine)
    item.digest_of = digest_of
    peak = max(outcome.peak for outcome in engine.outcomes)
    return {
        "seconds": {"expected": expected["seconds"], "clock": seconds, "processor": processor},
        "bytes": {"expected": expected["bytes"], "hashed": hashed[0]},
        "memory": {"expected": expected["memory"], "peak": peak},
    }


def workers(folder: Path) -> dict[str, Any]:
    """Copies of the built-in model, every analysis, on one worker and on two: whole commands."""
    model = ls.load("builtin")
    for index in range(COPIES):
        save_weights(replace(model, W_E=model.W_E + index * 1e-3), folder / f"{index:02}.safetensors")
    words = ["--models", str(folder / "*.safetensors"), "--analysis", ALL]
    times = {count: _command([*words, "--workers", str(count), "-o", str(folder / str(count))])[1:] for count in (1, 2)}
    clock, processor = ({count: times[count][of] for count in times} for of in (0, 1))
    return {"clock": clock, "processor": processor, "times as fast": clock[1] / clock[2]}


def overhead(folder: Path) -> dict[str, Any]:
    """Small checkpoints and three analyses: what a sweep adds to each item, and how its memory grows."""
    small(folder / "small", SMALL, 256)
    plan, engine = plan_of([str(folder / "small" / "*")], SHORT), Watched()
    clocks = (time.perf_counter, time.process_time)
    starts = [clock() for clock in clocks]
    _swept(plan, folder / "out", engine)
    whole = [clock() - start for clock, start in zip(clocks, starts, strict=True)]
    opened = [ls.load(path) for path in plan.models]
    starts = [clock() for clock in clocks]
    for weights in opened:
        for analysis, options in plan.analyses.items():
            analyse(weights, analysis, options)
    alone = [clock() - start for clock, start in zip(clocks, starts, strict=True)]
    count, peaks = len(engine.outcomes), [outcome.peak for outcome in engine.outcomes]
    return {
        "items": count,
        "seconds of an item": {"clock": (whole[0] - alone[0]) / count, "processor": (whole[1] - alone[1]) / count},
        "bytes": {"after 10 items": peaks[SETTLED], "after all": peaks[-1]},
    }


class Watched(Here):
    """Computes in this process, and keeps how each item ended."""

    def __init__(self) -> None:
        self.outcomes: list[Outcome] = []

    def run(self, units: Sequence[Unit], store: Store) -> Iterator[Outcome]:
        for outcome in super().run(units, store):
            self.outcomes.append(outcome)
            yield outcome


def _swept(plan: Plan, folder: Path, engine: Here) -> None:
    if failed := sweep(plan, Store(folder), engine, ORDINARY, lambda *_: None).failed:
        raise SystemExit(f"failed: {failed}")


def _command(words: Sequence[str]) -> tuple[str, float, float]:
    """Run ``loadstore sweep``: what it prints, and its seconds of the clock and of the processor."""
    start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([sys.executable, "-m", "loadstore", "sweep", *words], stdout=subprocess.PIPE, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return done.stdout, time.perf_counter() - start, processor


if __name__ == "__main__":
    main(sys.argv[1:])
