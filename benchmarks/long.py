"""Listings, traffic and attributions on longer and longer prompts of SmolLM2: time and memory.

    python benchmarks/long.py                   measure (minutes), write benchmarks/long.json and print the section
    python benchmarks/long.py listing 200       one of them, as JSON

`make bench` renders the JSON. Each runs in a process of its own, on one thread; seconds are the processor's, memory is
anonymous, above that before the call.
"""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import torch
from peak import peak
from turns import seconds

import loadstore as ls
from loadstore.model.weights import Weights

OUT = Path(__file__).with_suffix(".json")
LENGTHS = (20, 200, 1000)
PAIRS = 4


def _ids(model: Weights, rows: int, tokens: int) -> torch.Tensor:
    """Random text that repeats, so that heads have something to find."""
    half = torch.randint(model.architecture.vocab, (rows, -(-tokens // 2)), generator=torch.Generator().manual_seed(0))
    return torch.cat([half, half], 1)[:, :tokens]


def _run(model: Weights, tokens: int) -> object:
    return ls.run(model, _ids(model, 1, tokens), record=True).logits


def _listing(model: Weights, tokens: int) -> object:
    return ls.listing(ls.run(model, _ids(model, 1, tokens)[0].tolist(), record=True))


def _traffic(model: Weights, tokens: int) -> object:
    return ls.traffic(model, _ids(model, 2, tokens).tolist(), length=tokens)


def _attribution(model: Weights, tokens: int) -> object:
    clean = _ids(model, PAIRS, tokens)
    other = clean.clone()
    other[:, 1] = clean[:, 1].flip(0)
    splits = ["find"] * (PAIRS - 2) + ["choose", "judge"]
    metric = ls.logit_difference(3, 4)
    return ls.attribute(ls.Task(model, clean.tolist(), other.tolist(), metric, splits=splits), points=1)


ANALYSES: dict[str, Callable[[Weights, int], object]] = {
    "run": _run,
    "listing": _listing,
    "traffic": _traffic,
    "attribution": _attribution,
}


def measure(analysis: str, tokens: int) -> dict[str, float]:
    """Seconds and peak of one analysis in this process."""
    torch.set_num_threads(1)
    model, found = ls.load("smollm2"), dict[str, float]()
    ANALYSES[analysis](model, 12)  # imports, and pages of the file
    with peak(found):
        found["seconds"] = seconds(lambda: ANALYSES[analysis](model, tokens))
    return found


def page() -> str:
    """A section for RESULTS.md; empty if it was not measured."""
    if not OUT.exists():
        return ""
    found = json.loads(OUT.read_text(encoding="utf-8"))
    lines: list[str] = []
    for analysis, lengths in found.items():
        cells = [f"{row['seconds']:.1f} s, {row['peak'] / 1e6:,.0f} MB" for row in lengths.values()]
        lines.append(f"| {analysis} | {' | '.join(cells)} |")
    heads = " | ".join(f"{length:,} tokens" for length in LENGTHS)
    table = "\n".join(lines)
    return (
        "\n## Long prompts\n\n"
        "Made by `python benchmarks/long.py`. SmolLM2-135M, the processor's time of one thread, and anonymous memory "
        f"above that before the call. A recorded run; a listing with its run; traffic on two documents of this length; "
        f"attributions of {PAIRS - 2} pairs at one point.\n\n"
        f"| analysis | {heads} |\n|---|{'---|' * len(LENGTHS)}\n{table}\n"
    )


def main(arguments: list[str]) -> None:
    """Measure one, or all of them in processes of their own."""
    if arguments:
        print(json.dumps(measure(arguments[0], int(arguments[1]))))
        return
    found: dict[str, dict[str, dict[str, float]]] = {}
    for analysis in ANALYSES:
        for tokens in LENGTHS:
            command = [sys.executable, __file__, analysis, str(tokens)]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            found.setdefault(analysis, {})[str(tokens)] = json.loads(done.stdout)
            print(analysis, tokens, done.stdout.strip(), flush=True)
    OUT.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(page())


if __name__ == "__main__":
    main(sys.argv[1:])
