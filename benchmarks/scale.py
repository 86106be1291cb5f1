"""What a sweep costs per wire, per checkpoint and per byte here, and what the wires of large models would cost.

    python benchmarks/scale.py            measure here (minutes), write benchmarks/scale.json, print the page's tables
    python benchmarks/scale.py --page     print the tables of the JSON

All times are of the processor, for one thread, so that other work of the machine does not count. The large models
are computed from the cost model (``loadstore.sweep.cost``), with the rate that was measured here.
"""

import json
import sys
import time
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

import torch
import xarray  # noqa: F401, as the first analysis would import it

import loadstore as ls
from loadstore.checkpoints.digest import digest_of
from loadstore.cost.layers import layer_parameters, wires_of
from loadstore.cost.machine import Machine, measured
from loadstore.cost.of_weights import eigenvalues
from loadstore.cost.work import Work
from loadstore.linear.bands import packed_size
from loadstore.model.architecture import Architecture
from loadstore.model.mlp_facts import Mlp
from loadstore.model.rotary import Rotary
from loadstore.sweep.analyses import analyse
from loadstore.sweep.cost import cost_of
from loadstore.sweep.dry import SHA
from loadstore.sweep.options import OPTIONS, checked
from loadstore.sweep.tiles import tiles
from loadstore.sweep.work import size_of

OUT = Path(__file__).with_suffix(".json")
NAMES = ("builtin", "smollm2")
WORKERS = (8, 64, 512)
TURNS = Rotary.of(128, base=500_000.0, pairs="halves")
DENSE = Architecture(
    *(80, 64, 8192, 128, 128_256, 8192, "rotary", "rms"),
    rotary=TURNS,
    n_kv_heads=8,
    mlp=Mlp(28_672, gated=True, activation="silu"),
)
EXPERTS, EXPERT_LAYERS, EXPERT_WIDTH = 128, 24, 8192
MIXTURE = Architecture(  # its dense layers and the shared expert of the others; the experts come on top
    *(48, 40, 5120, 128, 202_048, 8192, "rotary", "rms"),
    rotary=TURNS,
    n_kv_heads=8,
    mlp=Mlp(12_288, gated=True, activation="silu"),
)


def main() -> None:
    torch.set_num_threads(1)
    if "--page" not in sys.argv:
        here = measured(1, time.process_time)
        costs = {"machine": asdict(here), "runs": runs(here), "overhead": _overhead(), "large": large(here)}
        OUT.write_text(json.dumps(costs, indent=1) + "\n")
    print(page(json.loads(OUT.read_text())))


def runs(here: Machine) -> list[dict[str, Any]]:
    """Costs here, each beside the prediction of the cost model."""
    listed: list[dict[str, Any]] = []
    for name in NAMES:
        weights = ls.load(name)
        for analysis in OPTIONS:
            options = checked(analysis, {})
            start = time.process_time()
            result = analyse(weights, analysis, options)
            took = time.process_time() - start
            rows = len(next(iter(result.columns.values())))
            expected = cost_of(weights, analysis, options).seconds(here)
            listed.append({"model": name, "analysis": analysis, "rows": rows, "seconds": took, "expected": expected})
            print(listed[-1], flush=True)
        start = time.monotonic()  # other threads hash, too
        digest_of(weights)
        listed.append(
            {"model": name, "analysis": "digest", "rows": size_of(weights), "seconds": time.monotonic() - start}
        )
        listed[-1]["expected"] = size_of(weights) / SHA
    return listed


def _overhead() -> float:
    """Seconds of the processor that a sweep adds to an item: opening, digest, result file, table."""
    from sweeps import overhead  # beside this file

    with TemporaryDirectory() as folder:
        return overhead(Path(folder))["seconds of an item"]["processor"]


def large(here: Machine) -> list[dict[str, Any]]:
    """All wires of two large models, from the cost model."""
    experts = EXPERTS * EXPERT_LAYERS
    packed = packed_size(MIXTURE.d_model)
    grams = Work(2.0 * packed * 3 * EXPERT_WIDTH * experts)  # of what each expert writes and reads
    more = _wires(MIXTURE, experts) - wires_of(MIXTURE)
    single = Work(2.0 * packed * more, 2 * experts * eigenvalues(MIXTURE.d_model), 4.0 * packed * more)
    weights = 3.0 * MIXTURE.d_model * EXPERT_WIDTH * experts
    return [
        row("70B, dense", DENSE, here),
        row("400B mixture, an MLP is one site", MIXTURE, here, grams, weights),
        row("400B mixture, every expert a site", MIXTURE, here, grams + single, weights, experts),
    ]


def _wires(shape: Architecture, experts: int = 0) -> float:
    """Wires between heads, MLPs and experts."""
    sites, heads = shape.n_layers * (shape.n_heads + 1) + experts, shape.n_layers * shape.n_heads
    return 0.5 * sites * (3 * heads + sites - heads)


def row(
    name: str,
    shape: Architecture,
    here: Machine,
    more: Work | None = None,
    parameters: float = 0.0,
    experts: int = 0,
) -> dict[str, Any]:
    """The cost of one model's scores; ``more`` work and ``parameters`` are of its experts."""
    model = SimpleNamespace(architecture=shape, dtype=torch.bfloat16, name=name, tokens=None)
    parts = tiles(model, "scores")  # pyright: ignore[reportArgumentType]
    cost = cost_of(model, "scores", checked("scores", {}), len(parts))  # pyright: ignore[reportArgumentType]
    work = cost.work * len(parts) + (more or Work())
    whole = work.seconds(here)
    size = 2.0 * (shape.n_layers * layer_parameters(shape) + 2.0 * shape.vocab * shape.d_model + parameters)
    hours: dict[str, float] = {}
    for workers in WORKERS:
        rounds = -(-len(parts) // workers)
        hours[str(workers)] = (whole / len(parts) * rounds + size / SHA * rounds) / 3600
    return {
        "model": name,
        "gigabytes": size / 1e9,
        "wires": _wires(shape, experts),
        "operations": work.operations,
        "bound": work.bound(here)[0],
        "tiles": len(parts),
        "hours_of_one": whole / 3600,
        "hours": hours,
    }


def page(found: dict[str, Any]) -> str:
    """The tables of docs/beyond-one-machine.md."""
    lines = ["| model | analysis | rows | seconds | expected | a row, or a byte |", "|---|---|---|---|---|---|"]
    for run in found["runs"]:
        unit = (
            f"{1e9 * run['seconds'] / run['rows']:,.2f} ns"
            if run["analysis"] == "digest"
            else f"{1e6 * run['seconds'] / run['rows']:,.0f} µs"
        )
        lines.append(
            f"| {run['model']} | {run['analysis']} | {run['rows']:,} | {run['seconds']:.2f} | {run['expected']:.2f} "
            f"| {unit} |"
        )
    lines += [
        "",
        f"Rate of products: {found['machine']['products'] / 1e9:.0f} GFLOP/s. "
        f"Overhead of an item: {1e3 * found['overhead']:.0f} ms.",
        "",
    ]
    lines += [
        "| model | GB in bfloat16 | wires | PFLOP | bound by | tiles | one worker | 8 | 64 | 512 |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in found["large"]:
        times = " | ".join(_time(row["hours"][str(workers)]) for workers in WORKERS)
        lines.append(
            f"| {row['model']} | {row['gigabytes']:,.0f} | {row['wires'] / 1e6:,.0f} million | "
            f"{row['operations'] / 1e15:,.0f} | {row['bound']} | {row['tiles']} | {_time(row['hours_of_one'])} | "
            f"{times} |"
        )
    return "\n".join(lines)


def _time(hours: float) -> str:
    for size, unit in ((48.0, "days"), (1.5, "hours")):
        if hours >= size:
            return f"{hours / (24 if unit == 'days' else 1):.0f} {unit}"
    return f"{hours * 60:.0f} minutes"


if __name__ == "__main__":
    main()
