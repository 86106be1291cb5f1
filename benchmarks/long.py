"""Analyses of longer and longer prompts of two real models: time and memory.

    python benchmarks/long.py                           measure what benchmarks/long.json lacks, print the section
    python benchmarks/long.py smollm2 listing 200       one of them, as JSON

`make bench` renders the JSON. Each runs in a process of its own, on one thread; seconds are the processor's, memory is
anonymous, above that before the call. Remove the JSON to measure everything again (half an hour).
"""

import ctypes
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import torch
from peak import peak
from turns import seconds

import loadstore as ls
from loadstore.circuits.measured import measured
from loadstore.circuits.ranking import mask_of_first, ranking
from loadstore.model.weights import Weights

OUT = Path(__file__).with_suffix(".json")
MODELS = ("smollm2", "gemma3-270m")
LENGTHS = (20, 200, 1000)
PAIRS = 4
SHARE = 0.01  # of the wires that can matter, in a circuit
Rows: TypeAlias = dict[str, dict[str, float]]


def _ids(model: Weights, rows: int, tokens: int) -> torch.Tensor:
    """Random text that repeats, so that heads have something to find."""
    half = torch.randint(model.architecture.vocab, (rows, -(-tokens // 2)), generator=torch.Generator().manual_seed(0))
    return torch.cat([half, half], 1)[:, :tokens]


def _task(model: Weights, tokens: int) -> ls.Task:
    clean = _ids(model, PAIRS, tokens)
    other = clean.flip(0)
    other[:, -1] = clean[:, -1]
    splits = ["find"] * (PAIRS - 2) + ["choose", "judge"]
    return ls.Task(model, clean.tolist(), other.tolist(), ls.logit_difference(1000, 2000), splits=splits)


def _run(model: Weights, tokens: int) -> Callable[[], object]:
    ids = _ids(model, 1, tokens)
    return lambda: ls.run(model, ids, record=True)


def _listing(model: Weights, tokens: int) -> Callable[[], object]:
    ids = _ids(model, 1, tokens)[0].tolist()
    return lambda: ls.listing(ls.run(model, ids, record=True))


def _traffic(model: Weights, tokens: int) -> Callable[[], object]:
    texts = _ids(model, 2, tokens).tolist()
    return lambda: ls.traffic(model, texts, length=tokens)


def _attribution(model: Weights, tokens: int) -> Callable[[], object]:
    task = _task(model, tokens)
    return lambda: ls.attribute(task, points=1)


def _circuit(model: Weights, tokens: int) -> Callable[[], object]:
    on, ranked = measured(_task(model, tokens).find), ranking(ls.attribute(_task(model, LENGTHS[0]), points=1))
    kept = mask_of_first(on.live, ranked, round(SHARE * on.live.count))
    return lambda: on.values(kept)


def _sweep(model: Weights, tokens: int) -> Callable[[], object]:
    trace = ls.run(model, _ids(model, 1, tokens))
    wires = f"L*.H* -> L{model.architecture.n_layers - 1}.H0.Q"
    metric = ls.metrics.log_probability(3)
    return lambda: ls.experiments.sweep(trace, wires, metric=metric, by="zero")


ANALYSES: dict[str, Callable[[Weights, int], Callable[[], object]]] = {
    "run": _run,
    "listing": _listing,
    "traffic": _traffic,
    "attribution": _attribution,
    "circuit": _circuit,
    "sweep": _sweep,
}


def measure(name: str, analysis: str, tokens: int) -> dict[str, float]:
    """Seconds and peak of one analysis in this process."""
    torch.set_num_threads(1)
    model, found = ls.load(name), dict[str, float]()
    ANALYSES[analysis](model, 12)()  # imports, and pages of the file
    work = ANALYSES[analysis](model, tokens)
    ctypes.CDLL(None).malloc_trim(0)  # else the work would use memory that is free, but held
    with peak(found):
        found["seconds"] = seconds(work)
    return found


def page() -> str:
    """A section for RESULTS.md; empty if it was not measured."""
    if not OUT.exists():
        return ""
    lines: list[str] = []
    for name, analyses in json.loads(OUT.read_text(encoding="utf-8")).items():
        for analysis, lengths in analyses.items():
            cells = [f"{row['seconds']:.1f} s, {row['peak'] / 1e6:,.0f} MB" for row in lengths.values()]
            lines.append(f"| {name} | {analysis} | {' | '.join(cells)} |")
    heads = " | ".join(f"{length:,} tokens" for length in LENGTHS)
    table = "\n".join(lines)
    return (
        "\n## Long prompts\n\n"
        "Made by `python benchmarks/long.py`. The processor's time of one thread, and anonymous memory above that "
        "before the call. A recorded run; a listing with its run; traffic on two documents of this length; "
        f"attributions of {PAIRS - 2} pairs at one point; a circuit of the {SHARE:.0%} of wires that are first on the "
        "shortest pairs; a sweep that cuts every head's wire into Q of one head of the last layer.\n\n"
        f"| model | analysis | {heads} |\n|---|---|{'---|' * len(LENGTHS)}\n{table}\n"
    )


def main(arguments: list[str]) -> None:
    """Measure one, or all of them in processes of their own."""
    if arguments:
        name, analysis, tokens = arguments
        print(json.dumps(measure(name, analysis, int(tokens))))
        return
    found: dict[str, dict[str, Rows]] = json.loads(OUT.read_text(encoding="utf-8")) if OUT.exists() else {}
    for name in MODELS:
        for analysis in ANALYSES:
            rows = found.setdefault(name, {}).setdefault(analysis, {})
            for tokens in map(str, LENGTHS):
                if tokens in rows:
                    continue
                command = [sys.executable, __file__, name, analysis, tokens]
                rows[tokens] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
                print(name, analysis, tokens, rows[tokens], flush=True)
                OUT.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(page())


if __name__ == "__main__":
    main(sys.argv[1:])
