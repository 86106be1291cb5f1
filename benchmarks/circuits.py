"""Scores of every wire at full size: GPT-2 small's shape, SmolLM2, cost of each route, copying over a vocabulary."""

import json
import math
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest.mock import patch

import numpy as np
import torch
from peak import peak
from shapes import random_gpt2, random_llama

import loadstore as ls
from loadstore.linear.ends import End
from loadstore.linear.routes import Routes, routes
from loadstore.model.ports import reading, writing
from loadstore.model.weights import Weights
from loadstore.model.wiring import wiring
from loadstore.scores import engine
from loadstore.scores.engine import Ask

Row = tuple[str, str, str]
D, VOCAB, LAYERS = 768, 50257, 4


def circuits() -> str:
    """A section for RESULTS.md; each model runs in its own process."""
    rows = [*_gpt2(_child("gpt2")), *_smollm2(_child("smollm2")), *_llama(_child("llama")), _copying(_child("copying"))]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    growth = "\n".join(f"| {' | '.join(row)} |" for row in _growth())
    return (
        "\n## Scores of every wire\n\n"
        "Null, ceiling and alignment included. Peak: anonymous memory beyond the loaded weights. Rates are of float32 "
        "matrix products of 1,024 × 1,024 in the same process.\n\n"
        f"| work | measured | beside |\n|---|---|---|\n{table}\n\n"
        "How the time of each exact route grows, all wires between n heads and n readers of 64 dimensions, float32: "
        f"the exponent of a straight line through logarithms.\n\n| varied | cores | Grams |\n|---|---|---|\n{growth}\n"
    )


def _gpt2(found: dict[str, float]) -> Iterator[Row]:
    seconds, rate = found["seconds"], found["rate"]
    name = f"GPT-2 small's shape: {found['wires']:,.0f} wires, random float32 weights"
    beside = f"{seconds * rate / 550e9:.2f} × 550 GFLOP at {rate / 1e9:.0f} GFLOP/s (wanted: ≤ .8)"
    yield name, f"{seconds:.1f} s, peak {found['peak'] / 1e6:.0f} MB", f"{beside}; < 500 MB"
    yield "its products by the cheaper route", f"{found['terms'] * 2 / 1e9:.0f} GFLOP", "and the Grams of dense ends"


def _smollm2(found: dict[str, float]) -> Iterator[Row]:
    name = f"SmolLM2-135M: {found['wires']:,.0f} wires"
    yield name, f"{found['seconds']:.1f} s, peak {found['peak'] / 1e6:.0f} MB", "< 90 s, < 1.5 GB"
    yield "L16.H0 among writers into L18.H6.K, by alignment", f"number {found['place']:.0f}", "≤ 3"


def _llama(found: dict[str, float]) -> Iterator[Row]:
    name = f"{LAYERS} layers of Llama 7B's shape: {found['wires']:,.0f} wires, random float16 files, once"
    work = 2 * (found["terms"] + found["dense"])
    beside = f"{found['seconds'] * found['rate'] / work:.2f} × {work / 1e12:.1f} TFLOP (wanted: ≤ 1.3); < 6 GB"
    yield name, f"{found['seconds']:.0f} s, peak {found['peak'] / 1e9:.2f} GB", beside
    shares = f"{2 * found['terms'] / 1e12:.1f} TFLOP", f"and {2 * found['dense'] / 1e12:.1f} for Grams of dense ends"
    yield "its products by the cheaper route", *shares


def _copying(found: dict[str, float]) -> Row:
    work = 2 * VOCAB**2 * 64
    share = work / found["rate"] / found["seconds"]
    measured = f"{found['seconds']:.1f} s, peak {found['peak'] / 1e6:.0f} MB, {share:.0%} of matmul rate"
    return f"copying of one head, {VOCAB:,} × {D}", measured, "< 1 GB, ≥ 70 %"


def _child(what: str) -> dict[str, float]:
    done = subprocess.run([sys.executable, __file__, what], check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def _measure(what: str) -> dict[str, float]:
    found: dict[str, float] = {}
    if what == "llama":
        with tempfile.TemporaryDirectory() as folder:
            return _scored(ls.load(random_llama(Path(folder), LAYERS)), 1)
    model = ls.load("smollm2") if what == "smollm2" else ls.load(random_gpt2())
    if what == "copying":
        with peak(found):
            found["seconds"] = _median(lambda: ls.vocabulary.copying(model, "L0.H0"), 3)
        return found | {"rate": _rate()}
    found = _scored(model, 3)
    if what == "smollm2":
        table = ls.subspace_scores(model, readers="L18.H6.K")
        best = table.alignment.to_series().dropna().sort_values(ascending=False)
        found["place"] = float([writer for writer, _ in best.index].index("L16.H0") + 1)
    return found


def _scored(model: Weights, repeats: int) -> dict[str, float]:
    """Seconds and peak memory for all wires, their number, and the multiplications of the cheaper route."""
    found: dict[str, float] = {}
    with peak(found):
        found["seconds"] = _median(lambda: ls.subspace_scores(model), repeats)
    network, d = wiring(model), model.architecture.d_model
    stores, loads = [writing(model, w) for w in network.writers], [reading(model, r) for r in network.readers]
    ranks = [port.rank for port in stores], [port.rank for port in loads]
    heights = [port.height for port in stores] + [port.width for port in loads]
    found["wires"] = float(network.exists.sum())
    found["terms"] = routes(*map(np.array, ranks), network.exists, d).terms
    found["dense"] = sum(float(height) * d**2 for height in heights if height >= d)
    return found | {"rate": _rate()}


def _growth() -> Iterator[tuple[str, str, str]]:
    for name, sizes in (
        ("n = 64, 128, 256 heads, d = 768", [(64, 768), (128, 768), (256, 768)]),
        ("d = 384, 768, 1,536, n = 64", [(64, 384), (64, 768), (64, 1536)]),
    ):
        x = [math.log(n if sizes[0][1] == sizes[1][1] else d) for n, d in sizes]
        fits: list[str] = []
        for grams in (False, True):
            y = [math.log(_route(n, d, grams=grams)) for n, d in sizes]
            fits.append(f"{np.polyfit(x, y, 1)[0]:.1f} ({math.exp(y[0]):.2f} s to {math.exp(y[-1]):.2f} s)")
        yield name, fits[0], fits[1]


def _route(n: int, d: int, *, grams: bool) -> float:
    ends = [End(torch.randn(64, d, dtype=torch.float64), full=False) for _ in range(8)]
    wanted = np.ones((n, n), dtype=bool)
    ask = Ask(lambda i, _: ends[i % 8], lambda j, _: ends[j % 8], np.full(n, 64), np.full(n, 64), wanted, d)
    every = np.ones(n, dtype=bool)
    plan = Routes(every, every, wanted & grams, 0.0)
    with patch.object(engine, "routes", lambda *_: plan):
        return _median(lambda: list(engine.tiles(ask, torch.float32)), 3)


def _median(work: Callable[[], object], repeats: int) -> float:
    times: list[float] = []
    for _ in range(repeats + (repeats > 1)):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return statistics.median(times[repeats > 1 :])


def _rate() -> float:
    a = torch.randn(1024, 1024)
    return 2 * 1024**3 / _median(lambda: a @ a, 20)


if __name__ == "__main__":
    print(json.dumps(_measure(sys.argv[1])) if len(sys.argv) > 1 else circuits())
