"""``subspace_scores`` beside TransformerLens' ``all_composition_scores``: time, memory and agreement.

    make lens
    scripts/beside 4.3.0 benchmarks/lens.py 12      one depth, as JSON

GPT-2 small's shape with 2, 4, 6 and 12 layers, and the same random float32 matrices for all. Each tool has its own
process and they take turns, so that other load on the machine affects all of them. A third process scores all wires,
which TransformerLens cannot do. A plain float64 reference decides which numbers are right. Writes ``lens.json``.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch
from peak import peak
from shapes import random_gpt2

Scores: TypeAlias = np.ndarray  # [side, writing head, reading head]; NaN unless the reader is in a later layer
Run: TypeAlias = dict[str, float]
LAYERS, ROUNDS, SIDES = (2, 4, 6, 12), 3, "QKV"
TOOLS = ("loadstore", "everything", "lens")
FILE = Path(__file__).parent / "lens.json"


def ours(layers: int, heads: str = "L*.H*") -> Callable[[], Scores]:
    """Scores, nulls, ceilings and alignments of head-to-head wires."""
    import loadstore as ls

    model = ls.load(random_gpt2(layers))

    def work() -> Scores:
        score = ls.subspace_scores(model, norms="ignore", writers=heads, readers=heads).score
        if heads == "*":
            return score.values
        return np.stack([score[:, score.reader.str.endswith(side)].values for side in SIDES])

    return work


def theirs(layers: int) -> Callable[[], Scores]:
    """Scores only, unprocessed weights, no gradients."""
    from transformer_lens.model_bridge.sources import build_bridge_from_module

    live = random_gpt2(layers)
    model = build_bridge_from_module(live, "GPT2LMHeadModel", hf_config=live.config)

    @torch.no_grad()
    def work() -> Scores:
        found = [model.all_composition_scores(side).scores for side in SIDES]
        later = _later(layers, live.config.n_head)
        return np.stack([np.where(later, score.flatten(2).flatten(0, 1).numpy(), np.nan) for score in found])

    return work


def reference(layers: int) -> Scores:
    """‖A B‖² = ⟨AᵀA, B Bᵀ⟩ of dense d × d matrices in double precision, by the definition."""
    live = random_gpt2(layers)
    d, heads = live.config.n_embd, live.config.n_head
    writers: list[torch.Tensor] = []
    columns: list[torch.Tensor] = []
    for block in live.transformer.h:
        q, k, v = block.attn.c_attn.weight.detach().double().view(d, 3, heads, -1).permute(1, 2, 0, 3)
        qk, ov = q @ k.mT, v @ block.attn.c_proj.weight.detach().double().view(heads, -1, d)
        readers = torch.stack([qk @ qk.mT, qk.mT @ qk, ov @ ov.mT]).flatten(2)  # [side, head, d · d]
        written = torch.cat(writers) if writers else readers.new_empty(0, d * d)
        traces = [grams[..., :: d + 1].sum(-1) for grams in (written, readers)]
        score = (written @ readers.mT / (traces[0][:, None] * traces[1][:, None])).sqrt()
        columns.append(torch.nn.functional.pad(score, (0, 0, 0, layers * heads - len(written)), value=torch.nan))
        writers.append((ov.mT @ ov).flatten(1))
    return torch.cat(columns, dim=-1).numpy()


def _later(layers: int, heads: int) -> np.ndarray:
    layer = np.arange(layers * heads) // heads
    return layer[:, None] < layer[None, :]


def serve(tool: str, layers: int, file: str) -> None:
    """Run once for every input line, and answer with seconds and bytes."""
    work = theirs(layers) if tool == "lens" else ours(layers, "*" if tool == "everything" else "L*.H*")
    for _ in sys.stdin:
        found: Run = {}
        with peak(found):
            began = time.perf_counter()
            scores = work()
            found["seconds"] = time.perf_counter() - began
        np.save(file, scores)
        print(json.dumps(found), flush=True)


@contextmanager
def tool(name: str, layers: int, file: Path) -> Iterator[Callable[[], Run]]:
    """A process that runs on request."""
    words = [sys.executable, "-W", "ignore", __file__, name, str(layers), str(file)]
    # Waiting threads sleep: spinning threads make a machine with other load tens of times slower.
    to = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(words, **to, text=True, env={**os.environ, "OMP_WAIT_POLICY": "passive"}) as process:
        assert process.stdin is not None
        assert process.stdout is not None

        def call() -> Run:
            print("work", file=process.stdin, flush=True)
            return json.loads(process.stdout.readline())

        yield call
        process.stdin.close()


def measure(layers: int, folder: Path) -> dict[str, Any]:
    """All tools in turns, with one warm-up round that is not timed; memory is the maximum over rounds."""
    files = {name: folder / f"{name}.npy" for name in TOOLS}
    with ExitStack() as stack:
        calls = {name: stack.enter_context(tool(name, layers, files[name])) for name in TOOLS}
        rounds = [{name: call() for name, call in calls.items()} for _ in range(1 + ROUNDS)]
    found: dict[str, Any] = {"layers": layers}
    for name in TOOLS:
        found[name] = {
            "seconds": [round(each[name]["seconds"], 3) for each in rounds[1:]],
            "peak": max(each[name]["peak"] for each in rounds),
        }
    scores = {name: np.load(file) for name, file in files.items()}
    exact = reference(layers)
    for name in ("loadstore", "lens"):
        assert (np.isfinite(scores[name]) == np.isfinite(exact)).all(), f"{name} has other wires"
        found[name]["error"] = float(np.nanmax(abs(scores[name] - exact)))
    found["difference"] = float(np.nanmax(abs(scores["loadstore"] - scores["lens"])))
    found["ratio"] = statistics.median(each["lens"]["seconds"] / each["loadstore"]["seconds"] for each in rounds[1:])
    return found | {"wires": int(np.isfinite(exact).sum()), "all wires": int(np.isfinite(scores["everything"]).sum())}


def main() -> None:
    """Measure every depth and write the numbers."""
    names = ("torch", "transformer-lens", "transformers")
    found: dict[str, Any] = {
        "versions": {name: version(name) for name in names} | {"torch": torch.__version__},
        "threads": torch.get_num_threads(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "rounds": ROUNDS,
        "depths": [],
    }
    for layers in LAYERS:
        with tempfile.TemporaryDirectory() as folder:
            found["depths"].append(measure(layers, Path(folder)))
        print(json.dumps(found["depths"][-1]), flush=True)
    FILE.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(
        f"{FILE.name} written; `make bench` renders it. Taken on {found['cores']} cores, load {found['load']} before."
    )


def one(layers: int) -> None:
    """Measure one depth and print it."""
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(measure(layers, Path(folder))))


if __name__ == "__main__":
    match sys.argv[1:]:
        case [name, layers, file]:
            serve(name, int(layers), file)
        case [layers]:
            one(int(layers))
        case _:
            main()
