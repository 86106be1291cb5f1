"""Every analysis beside the cost model: what was measured, over what its work takes at the rates of this machine.

    python benchmarks/modelled.py

Also a section of ``make bench``. Seconds of the clock on all threads, medians of a few runs after one that is not
counted; the rates are measured in the same process.
"""

import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict

import torch

import loadstore as ls
from loadstore.cost import of_tasks, of_weights, of_wires
from loadstore.cost.machine import Machine, machine
from loadstore.cost.passes import TEXT, run
from loadstore.cost.table import roles_of, traffic
from loadstore.cost.work import Work
from loadstore.model.weights import Weights

ROUNDS, PAIRS, LENGTH = 3, 16, 200
PROMPT = "When Mary and John went to the store, John gave a drink to"
Row = tuple[str, Callable[[], object], Work]


def modelled() -> str:
    """A section for RESULTS.md."""
    here = machine()
    lines = [_line(name, *row, here) for name in ("builtin", "smollm2") for row in _rows(ls.load(name))]
    table = "\n".join(lines)
    rates = ", ".join(f"{name} {value:.2g}" for name, value in asdict(here).items())
    return (
        "\n## Beside the cost model\n\n"
        "The work of each analysis is counted from the shapes (`loadstore.cost`): operations of products and of "
        "eigenvalues, bytes, small operations. Its seconds are these at the machine's rates of this process, per "
        f"second: {rates}. A ratio below 1: part of the work that was counted was faster than the yardstick, as "
        "numbers in a cache are.\n\n"
        "| model | analysis | measured | measured ÷ model | bound by |\n|---|---|---|---|---|\n"
        f"{table}\n"
    )


def _line(model: str, analysis: str, call: Callable[[], object], work: Work, here: Machine) -> str:
    times: list[float] = []
    for _ in range(ROUNDS + 1):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    took = statistics.median(times[1:])
    name, share = work.bound(here)
    print(f"{model} {analysis}: {took:.2f} s, {took / work.seconds(here):.2f} × the model's", flush=True)
    return (
        f"| {model} | {analysis} | {took:.2f} s | {took / work.seconds(here):.2f} | {name}, {share:.0%} of its time |"
    )


def _rows(model: Weights) -> Iterator[Row]:
    shape = model.architecture
    ids = torch.randint(shape.vocab, (1, LENGTH), generator=torch.Generator().manual_seed(0))
    task = ls.task(model, "ioi" if model.name == "smollm2" else "induction", pairs=PAIRS * 8 // 3, seed=0)
    trace = ls.run(model, PROMPT, record=True)
    found = len(task.find)
    yield f"a run of {LENGTH} tokens", lambda: ls.run(model, ids), run(shape, LENGTH)
    yield "scores of all wires", lambda: ls.subspace_scores(model), of_weights.scores(shape)
    yield "spectrum of the embedding", lambda: ls.spectrum(model, "embed"), of_weights.spectrum(shape)
    yield "copying of a head", lambda: ls.vocabulary.copying(model, "L0.H0"), of_weights.copying(shape)
    yield "roles of all heads", lambda: ls.head_roles(model), roles_of(shape)
    yield "a listing", lambda: ls.listing(trace), of_wires.decomposed(shape, 24)
    yield f"attributions of {found} pairs", lambda: ls.attribute(task), of_tasks.attributed(shape, found)
    if model.name == "builtin":
        yield f"traffic on {TEXT:,} tokens", lambda: ls.traffic(model), traffic(shape)


if __name__ == "__main__":
    print(modelled())
