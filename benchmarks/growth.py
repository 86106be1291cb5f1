"""How time and memory grow with the sizes of a model and of its input, beside what theory says.

    python benchmarks/growth.py    measure (about four minutes), write benchmarks/growth.json and print the section

`make bench` renders the JSON. Times are of the processor and one thread; memory is that of the tensors held at a time.
An exponent is the slope between logarithms of the two largest of three sizes, each twice the one before: the terms that
grow slowest count least there. Beside it are the slope of the cost model (``loadstore.cost``) over the same two sizes,
and the exponent for large sizes, with the sizes of heads fixed.
"""

import json
import math
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from drawn import VOCAB, drawn
from held import held
from turns import seconds

import loadstore as ls
from loadstore.cost import of_tasks, of_weights, of_wires
from loadstore.cost.machine import measured
from loadstore.cost.passes import text
from loadstore.cost.work import Work
from loadstore.model.architecture import Architecture
from loadstore.model.weights import Weights

OUT = Path(__file__).with_suffix(".json")
SIZES: dict[str, tuple[int, int, int]] = {
    "heads": (4, 8, 16),
    "d_model": (256, 512, 1024),
    "layers": (2, 4, 8),
    "tokens": (32, 64, 128),
}
BASE = {"heads": 8, "d_model": 256, "layers": 4, "tokens": 64}
THEORY: dict[str, dict[str, tuple[float, float]]] = {  # time and memory
    "scores": {"heads": (2, 1), "d_model": (3, 2), "layers": (2, 1), "tokens": (0, 0)},
    "traffic": {"heads": (2, 1), "d_model": (2, 1), "layers": (2, 1), "tokens": (1, 1)},
    "attribution": {"heads": (2, 2), "d_model": (2, 1), "layers": (2, 2), "tokens": (1, 1)},
    "sweep": {"heads": (3, 1), "d_model": (2, 1), "layers": (1, 1), "tokens": (1, 1)},
}
FIXED = {  # what the cost model takes as given: the tokens of a text or a prompt, and readers of all layers
    *(("traffic", "tokens"), ("attribution", "tokens"), ("sweep", "tokens"), ("sweep", "layers")),
}
ROUNDS, PAIRS, DOCUMENTS = 3, 8, 4
Prepare = Callable[[Weights, int], Callable[[], object]]


def _ids(count: int, tokens: int) -> torch.Tensor:
    return torch.randint(VOCAB, (count, tokens), generator=torch.Generator().manual_seed(1))


def _scores(model: Weights, tokens: int) -> Callable[[], object]:
    return lambda: ls.subspace_scores(model)


def _traffic(model: Weights, tokens: int) -> Callable[[], object]:
    texts = _ids(DOCUMENTS, tokens).tolist()
    return lambda: ls.traffic(model, texts)


def _attribution(model: Weights, tokens: int) -> Callable[[], object]:
    clean, other = _ids(PAIRS, tokens).tolist(), _ids(PAIRS, tokens).flip(0).tolist()
    pairs = [[first[0], *second[1:]] for first, second in zip(other, clean, strict=True)]
    splits = ["find"] * (PAIRS - 2) + ["choose", "judge"]
    task = ls.Task(model, clean, pairs, ls.logit_difference(3, 4), splits=splits)
    return lambda: ls.attribute(task, points=2)


def _sweep(model: Weights, tokens: int) -> Callable[[], object]:
    """Every writer into the readers of the last layer, each wire cut on its own."""
    trace = ls.run(model, _ids(1, tokens))
    wires = f"* -> L{model.architecture.n_layers - 1}.*"
    metric = ls.metrics.log_probability(3)
    return lambda: ls.experiments.sweep(trace, wires, metric=metric, by="zero")


ANALYSES: dict[str, Prepare] = {
    "scores": _scores,
    "traffic": _traffic,
    "attribution": _attribution,
    "sweep": _sweep,
}


def modelled(analysis: str, shape: Architecture, tokens: int) -> Work:
    """The work of an analysis by the cost model, where it counts tokens."""
    if analysis == "scores":
        return of_weights.scores(shape)
    if analysis == "traffic":
        return text(shape, DOCUMENTS * tokens, tokens) + of_wires.carried(shape)
    return of_tasks.attributed(shape, PAIRS) if analysis == "attribution" else of_wires.swept(shape)


def measure() -> dict[str, Any]:
    """Seconds and bytes of every analysis at every size."""
    torch.set_num_threads(1)
    here = measured(1)
    found: dict[str, Any] = {}
    for analysis, prepare in ANALYSES.items():
        for size, values in SIZES.items():
            for value in values:
                asked = BASE | {size: value}
                tokens = asked.pop("tokens")
                model = drawn(**asked)
                work = prepare(model, tokens)
                work()
                row = {
                    "seconds": statistics.median(seconds(work) for _ in range(ROUNDS)),
                    "bytes": held(work),
                    "modelled": modelled(analysis, model.architecture, tokens).seconds(here),
                }
                found.setdefault(analysis, {}).setdefault(size, {})[str(value)] = row
                print(analysis, size, value, row, flush=True)
    return found


def slope(rows: dict[str, dict[str, float]], what: str) -> float:
    """The exponent between the two largest sizes, to one digit and never minus zero."""
    (small, before), (large, after) = list(rows.items())[-2:]
    return round(math.log(after[what] / before[what]) / math.log(int(large) / int(small)), 1) + 0.0


def page() -> str:
    """A section for RESULTS.md; empty if it was not measured."""
    if not OUT.exists():
        return ""
    found = json.loads(OUT.read_text(encoding="utf-8"))
    lines: list[str] = []
    for analysis, sizes in found.items():
        for size, rows in sizes.items():
            time, memory = THEORY[analysis][size]
            model = "" if (analysis, size) in FIXED else f"{slope(rows, 'modelled'):.1f}"
            values = list(rows)
            largest = rows[values[-1]]
            lines.append(
                f"| {analysis} | {size}, {values[-2]} to {values[-1]} | {slope(rows, 'seconds'):.1f} | {model} | "
                f"{time:g} | {slope(rows, 'bytes'):.1f} | {memory:g} | {largest['seconds']:.2f} s, "
                f"{largest['bytes'] / 1e6:.0f} MB |"
            )
    table = "\n".join(lines)
    return (
        "\n## How time and memory grow\n\n"
        "Made by `python benchmarks/growth.py`. Random models with rotary positions and gated MLPs, heads of 32 "
        f"dimensions, vocabulary {VOCAB}; sizes that are not varied: {_listed(BASE)}. Exponents between the two sizes "
        "named; the processor's time of one thread, and tensors held at a time. `limit`: the exponent for large "
        "sizes. Traffic on "
        f"{DOCUMENTS} texts, attributions of {PAIRS - 2} pairs at 2 points, the sweep cuts every wire into the last "
        "layer.\n\n"
        "| analysis | varied | time | cost model | limit | memory | limit | at the largest |\n"
        f"|---|---|---|---|---|---|---|---|\n{table}\n"
    )


def _listed(sizes: dict[str, int]) -> str:
    return ", ".join(f"{value} {name}" if name != "d_model" else f"d_model {value}" for name, value in sizes.items())


def main() -> None:
    """Measure, write the numbers, and print the section."""
    OUT.write_text(json.dumps(measure(), indent=1) + "\n", encoding="utf-8")
    print(page())


if __name__ == "__main__":
    main()
