"""Roles of the heads of the IOI circuit, each with the effect of its removal from the circuit.

    python benchmarks/ioi.py smollm2        (minutes)

Attention is a mean over the clean prompts to judge, between named places: S1+1 → S1 (previous token),
S2 → S1 (duplicate), S2 → S1+1 (induction), end → S2 (inhibition), end → IO (mover). A head has the role of its largest
attention if that is at least ``LEAST``; a mover whose removal raises the metric is a negative mover, and one whose
removal matters only when the other movers are gone is a backup. Removal takes all wires of the head from the circuit.
Writes ``benchmarks/ioi-MODEL.json`` and prints the table of docs/circuits.md.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

import loadstore as ls
from loadstore.circuits.attribution import attribute
from loadstore.circuits.completeness import heaviest, wires_of
from loadstore.circuits.controls import as_mask, chosen
from loadstore.circuits.measured import Measured, measured
from loadstore.circuits.named import task as task_named
from loadstore.circuits.pairs import Pairs
from loadstore.circuits.sized import circuit
from loadstore.sites import Writer

SEED, PAIRS, HEADS, LEAST = 2026, 64, 40, 0.2
MOVES = {
    "previous token": ("S1+1", "S1"),
    "duplicate": ("S2", "S1"),
    "induction": ("S2", "S1+1"),
    "inhibition": ("end", "S2"),
    "mover": ("end", "IO"),
}


def places_of(pairs: Pairs, row: int) -> dict[str, int]:
    """The token of each place in a move."""
    names = pairs.places[row]
    found = {name: names.index(name) for name in ("IO", "S1", "S2", "end")}
    return {**found, "S1+1": found["S1"] + 1}


def attention(pairs: Pairs, heads: list[Writer]) -> dict[Writer, dict[str, float]]:
    """Mean attention of each head along each move."""
    record = ls.run(pairs.model, pairs.clean, record=True).record
    found: dict[Writer, dict[str, float]] = {}
    for head in heads:
        pattern = record.layers[head.layer].pattern[:, head.index]
        along = dict.fromkeys(MOVES, 0.0)
        for row in range(len(pairs)):
            at = places_of(pairs, row)
            for name, (query, key) in MOVES.items():
                along[name] += float(pattern[row, at[query], at[key]]) / len(pairs)
        found[head] = along
    return found


def role_of(along: dict[str, float]) -> str:
    """The move of the largest attention."""
    name = max(along, key=lambda each: along[each])
    return name if along[name] >= LEAST else "other"


def rows_of(on: Measured, wires: np.ndarray, weight: np.ndarray) -> list[dict[str, Any]]:
    """Every head with its attention and the change of m(C) when it is removed from the circuit."""
    heads = [site for site in heaviest(on.live, wires, weight) if site.kind == "head"][:HEADS]
    along = attention(on.pairs, heads)
    roles = {head: role_of(along[head]) for head in heads}
    span, whole = (on.all - on.none).mean(), on.values(as_mask(on.live, wires)).mean()

    def lost(gone: list[Writer], start: np.ndarray) -> float:
        values = on.values(as_mask(on.live, start & ~wires_of(on.live, gone)))
        return float(values.mean())

    movers = [head for head in heads if roles[head] == "mover"]
    first = {head: (whole - lost([head], wires)) / span for head in heads}
    strong = [head for head in movers if first[head] > 0.02]
    bare = wires & ~wires_of(on.live, strong)
    alone = float(on.values(as_mask(on.live, bare)).mean())
    rows: list[dict[str, Any]] = []
    for head in heads:
        role, change = roles[head], first[head]
        again = (alone - lost([head], bare)) / span if head in movers and head not in strong else float("nan")
        if role == "mover" and change < -0.005:
            role = "negative mover"
        elif role == "mover" and head not in strong and again > max(0.005, 2 * abs(change)):
            role = "backup mover"
        rows.append({"head": str(head), "role": role, "lost": change, "lost_without_movers": again, **along[head]})
    return rows


def main(model: str) -> None:
    """Find the circuit, then remove one head at a time."""
    task = task_named(ls.load(model), "ioi", pairs=PAIRS, seed=SEED)
    ranked = attribute(task)
    found = circuit(ranked, "F>=.85", on=task.choose, by="attribution")
    on = measured(task.judge)
    wires = chosen(on.live, found.mask(task.model))
    rows = rows_of(on, wires, ranked.attribution.values)
    facts = {"wires": len(found), "size": found.size, "faithfulness": on.faithfulness(as_mask(on.live, wires))}
    path = Path(__file__).with_name(f"ioi-{model}.json")
    path.write_text(json.dumps({**facts, "heads": rows}, indent=1))
    print(facts)
    print(
        "| role | head | attention | F lost without it | F lost without it, strong movers gone |\n|---|---|---|---|---|"
    )
    for role in dict.fromkeys(row["role"] for row in sorted(rows, key=lambda row: row["role"])):
        for row in (row for row in rows if row["role"] == role):
            most = max(row[name] for name in MOVES)
            again = "" if np.isnan(row["lost_without_movers"]) else f"{row['lost_without_movers']:+.3f}"
            print(f"| {role} | {row['head']} | {most:.2f} | {row['lost']:+.3f} | {again} |")


if __name__ == "__main__":
    main(sys.argv[1])
