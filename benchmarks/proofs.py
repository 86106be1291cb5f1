"""Proofs of the circuits of tasks: found as `loadstore discover` finds them, with 100 controls each.

    python benchmarks/proofs.py smollm2 [TASK …]        (a quarter of an hour for each task; resumes where it stopped)

The tasks are those that the model solves and whose circuit reaches F ≥ .85 on the pairs to choose. Circuits, and the
numbers of a stopped proof, are in ``build/proofs``. Writes ``benchmarks/proofs.json`` and prints the table of
docs/circuits.md.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import loadstore as ls
from loadstore.circuits.circuit import Circuit
from loadstore.circuits.discovered import AtLeast, How, discover
from loadstore.circuits.named import task as task_named
from loadstore.circuits.prove import prove
from loadstore.circuits.solved import solved
from loadstore.circuits.tasks.table import TASKS
from loadstore.errors import LoadstoreError
from loadstore.model.weights import Weights

ROOT = Path(__file__).parent
RESULTS, WORK = ROOT / "proofs.json", ROOT.parent / "build" / "proofs"
NAMES = {"smollm2": "SmolLM2", "gemma3-270m": "Gemma 3 270M"}
BY = How(AtLeast()).by
COLUMNS = (
    "model and task",
    "wires",
    "F(C)",
    "p, gap",
    "next ranks",
    "F(all∖C)",
    "gap",
    "completeness, largest",
    "minimality",
    "Jaccard",
)


def proof_of(model: Weights, name: str) -> dict[str, Any] | None:
    """The numbers of one task; None if the model does not solve it or no circuit reaches the size's F."""
    task = task_named(model, name)
    path = WORK / f"{model.name}-{name}.json"
    if not solved(task).solved:
        print(f"{model.name} {name}: not solved", flush=True)
        return None
    if not path.exists():
        try:
            discover(task, How(AtLeast())).circuit.save(path)
        except LoadstoreError as error:
            print(f"{model.name} {name}: {error}", flush=True)
            return None
    circuit = Circuit.load(path)
    began = time.perf_counter()
    proof = prove(circuit, task.judge, find=task.find, resume=path.with_suffix(".proof.jsonl"))
    seconds = time.perf_counter() - began
    return {"by": circuit.by, "wires": len(circuit), "size": circuit.size, "seconds": seconds, **proof.document()}


def row(model: str, name: str, proof: dict[str, Any]) -> str:
    """One row of the table."""
    alone, without = proof["sufficiency"], proof["necessity"]
    whole, minimality, stable = proof["completeness"], proof["minimality"], proof["stability"]
    cells = (
        f"{NAMES.get(model, model)} {name}",
        f"{proof['wires']:,} ({100 * proof['size']:.2f} %)",
        f"{short(alone['value'])} [{short(alone['low'])}, {short(alone['high'])}]",
        f"{alone['p']:.2g}, {short(alone['gap'])}",
        short(alone["near"]),
        short(without["value"]),
        short(without["gap"]),
        short(whole["largest"]),
        f"{minimality['needed']:.0%}",
        f"{short(stable['mean'])} [{short(stable['low'])}, {short(stable['high'])}]",
    )
    return f"| {' | '.join(cells)} |"


def short(value: float) -> str:
    """Two decimals, without the zero before the point; a value that rounds to 0 has no sign."""
    text = f"{abs(value):.2f}".removeprefix("0")
    return ("−" if value < 0 and text != ".00" else "") + text


def main(model: str, names: list[str]) -> None:
    """Prove the circuits without a proof."""
    WORK.mkdir(parents=True, exist_ok=True)
    results: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    weights = ls.load(model)
    for name in names or list(TASKS):
        if results.get(f"{model} {name}", {}).get("by") == BY:
            continue
        proof = proof_of(weights, name)
        if proof is not None:
            results[f"{model} {name}"] = proof
            RESULTS.write_text(json.dumps(results, ensure_ascii=False, indent=1) + "\n")
            print(row(model, name, proof), flush=True)
    print(f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}")
    for key, proof in results.items():
        key_model, name = key.split(" ", 1)
        print(row(key_model, name, proof))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
