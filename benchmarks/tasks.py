"""Which ranking of wires finds the smallest faithful circuits: three methods, signed and absolute, on solved tasks.

    python benchmarks/tasks.py smollm2 [TASK …]        (minutes for each task; resumes where it stopped)

Pairs are generated with a seed of their own: 24 to find, 8 to choose the size, 32 to judge. F is measured on the pairs
to judge with free norms and counterfactual stores; intervals resample templates and pairs. Writes
``benchmarks/tasks-MODEL.json``; ``benchmarks/tasks_page.py`` writes the tables of docs/circuits.md from it.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import tasks_page
from tasks_page import WORDS

import loadstore as ls
from loadstore.circuits.attribution import attribute
from loadstore.circuits.curve import curve_on
from loadstore.circuits.measured import measured
from loadstore.circuits.methods import METHODS, Method
from loadstore.circuits.named import task as task_named
from loadstore.circuits.sized import circuit
from loadstore.circuits.solved import solved
from loadstore.circuits.tasks.table import TASKS

SEED, PAIRS = 2026, 64


def missing(row: dict[str, Any]) -> list[Method]:
    """The methods without a measured ranking."""
    return [method for method in METHODS.values() if not WORDS.keys() <= row.get(method, {}).keys()]


def measured_task(model: ls.Weights, name: str, row: dict[str, Any]) -> dict[str, Any]:
    """Every ranking of one task missing from its row; for an unsolved task, only the model's performance."""
    task = task_named(model, name, pairs=PAIRS, seed=SEED)
    if not row:
        answer = solved(task)
        row = {"share": answer.share, "clean": answer.clean, "counterfactual": answer.counterfactual}
        if not answer.solved:
            return row
    on = measured(task.judge)
    for method in missing(row):
        began = time.perf_counter()
        ranked = attribute(task, method=method)
        row[method] = row.get(method, {}) | {
            "seconds": time.perf_counter() - began,
            "remainder": ranked.attrs["remainder"],
        }
        for by in WORDS:
            if by in row[method]:
                continue
            found = curve_on(ranked, on, by=by)
            row[method][by] = {
                "size": found["size"].values.tolist(),
                **{key: found[key].values.tolist() for key in ("faithfulness", "low", "high", "error")},
                **{key: found.attrs[key] for key in ("cmd", "cpr", "small", "smallest")},
            }
        if method == "mask":
            row["smallest"] = circuit(ranked, "F>=.85", on=task.choose).size
    return row


def main(model: str, names: list[str]) -> None:
    """Measure the missing rankings."""
    path = Path(__file__).with_name(f"tasks-{model}.json")
    results: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    weights = ls.load(model)
    for name in names or list(TASKS):
        row = results.get(name, {})
        if not row or ("mask" in row and missing(row)):
            results[name] = measured_task(weights, name, row)
            path.write_text(json.dumps(results, indent=1))
            print(name, "done", flush=True)
    print(tasks_page.compared(tasks_page.solved(model)))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
