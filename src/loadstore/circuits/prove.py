"""The proof of a circuit: six measurements with controls (docs/circuits.md)."""

import hashlib
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import torch

from loadstore.bounds import Seed, Within
from loadstore.circuits.circuit import Circuit
from loadstore.circuits.completeness import completeness
from loadstore.circuits.context import contexts
from loadstore.circuits.controls import Chosen, chosen, strata
from loadstore.circuits.ledger import Ledger
from loadstore.circuits.measured import Measured, measured
from loadstore.circuits.methods import METHODS, attributions
from loadstore.circuits.minimality import minimality
from loadstore.circuits.pairs import Pairs
from loadstore.circuits.proof import Other, Proof
from loadstore.circuits.ranking import Ends
from loadstore.circuits.stability import first_of, jaccard, order_of_pairs, stability
from loadstore.circuits.sufficiency import beside_controls

Controls = Annotated[int, Within(1, 100_000)]
Progress = Callable[[str, int, int, float], None]
FEW = 8  # pairs for removing single wires
STEPS = {
    "alone": "sufficiency",
    "without": "necessity",
    "sites": "completeness",
    "removals": "minimality",
    "inflated": "minimality, null",
}


def prove(
    circuit: Circuit,
    pairs: Pairs,
    *,
    find: Pairs | None = None,
    others: Sequence[Circuit] = (),
    controls: Controls = 100,
    sampled: Controls = 100,
    null: Controls = 2000,
    seed: Seed = 0,
    resume: str | Path | None = None,
    progress: Progress | None = None,
) -> Proof:
    """Compare a circuit with random circuits, remove its parts, and test it on other pairs and other tasks.

    Args:
        circuit: The circuit.
        pairs: Pairs that were not used to find it, such as ``task.judge``.
        controls: The number of random circuits with as many wires of each kind of writer, side and layer of the reader.
        find: The pairs that it was found with, for stability and for the wires of the next ranks.
        others: Circuits of other tasks.
        sampled: The maximum number of wires to remove, one at a time.
        null: The number of removals of random wires from inflated circuits.
        seed: The seed of all draws.
        resume: A file of finished numbers, from which an interrupted proof resumes.
        progress: Called with the step, its number, the number of steps, and the share of the work that is done.

    Returns:
        The measurements.

    Raises:
        NotThisModel: The circuit is of another model.
        BadRequest: The circuit has no wires, the metric does not change, or the file belongs to another proof.

    Example:
        >>> import loadstore as ls
        >>> model = ls.load("builtin")
        >>> task = ls.task(model, "induction", pairs=16)
        >>> ranked = ls.attribute(task, points=2)
        >>> proof = ls.prove(ls.circuit(ranked, size=20), task.judge, controls=2, sampled=2, null=4)
        >>> 0 <= proof.sufficiency.p <= 1
        True
    """
    mask = circuit.mask(pairs.model)
    on = measured(pairs)
    wires, kinds = chosen(on.live, mask), strata(on.live)
    few = measured(pairs.rows(range(min(FEW, len(pairs)))))
    facts = {
        "model": pairs.model.name,
        "model_digest": circuit.model_digest,
        "task": circuit.task,
        "metric": str(pairs.metric),
        "wires": len(circuit),
        "live": circuit.live,
        "size": circuit.size,
        "pairs": len(pairs),
        "seed": seed,
    }
    work = _Work(controls, sampled, null, progress)
    ledger = Ledger(None if resume is None else Path(resume), _identity(circuit, pairs, find, seed), work.done)
    each = None if find is None else _each(find, circuit, ledger)
    weight = np.nan_to_num(_weights(circuit, on)) if each is None else np.abs(each).mean(0)
    ends = Ends.of(on.live)
    near = None if each is None else _next(order_of_pairs(each, np.ones(len(each)), ends, circuit.by), wires)
    alone, without = beside_controls(on, wires, kinds, near, controls, seed, ledger)
    proof = Proof(
        facts,
        alone,
        without,
        completeness(on, wires, weight, ledger),
        minimality(few, wires, kinds, sampled, null, seed, ledger),
        None if each is None or find is None else stability(each, find.templates, ends, circuit.by, len(circuit), seed),
        tuple(_other(on, wires, other, ledger) for other in others),
    )
    if progress is not None:
        progress("done", len(STEPS), len(STEPS), 1.0)
    return proof


def _each(find: Pairs, circuit: Circuit, ledger: Ledger) -> np.ndarray:
    """The attribution of every live wire for each pair [pair, wire], by the method that ranked the circuit."""
    method = METHODS.get(circuit.method, "mask")
    per_tile = [attributions(tile, method)[:, tile.live.exists] for tile in contexts(find)]
    ledger.numbers("attributions", lambda: [float(len(find))])
    return torch.cat(per_tile).double().cpu().numpy()


def _next(order: np.ndarray, wires: Chosen) -> Chosen:
    """The wires of the next ranks: as many as the circuit has, excluding its own."""
    return first_of(np.concatenate([order[~wires[order]], order[wires[order]]]), int(wires.sum()))


def _weights(circuit: Circuit, on: Measured) -> np.ndarray:
    """The attributions of the circuit's own wires over all live wires; 0 for the others."""
    weight = torch.zeros(on.live.exists.shape, dtype=torch.float64)
    for (writer, reader), value in zip(circuit.wires, circuit.attributions, strict=True):
        weight[on.live.place_of_writer[writer], on.live.place_of_reader[reader]] = value
    return weight[on.live.exists].numpy()


def _other(on: Measured, wires: Chosen, other: Circuit, ledger: Ledger) -> Other:
    """Measure another circuit on these pairs."""
    mask = other.mask(on.pairs.model)
    name = f"other {other.task} {len(other)}"
    alone = ledger.numbers(f"{name}: alone", lambda: [on.faithfulness(mask)])
    without = ledger.numbers(f"{name}: without", lambda: [on.faithfulness(on.live.exists & ~mask)])
    return Other(other.task, len(other), alone[0], without[0], jaccard(wires, chosen(on.live, mask)))


def _identity(circuit: Circuit, pairs: Pairs, find: Pairs | None, seed: int) -> str:
    """A digest of everything the numbers of a proof depend on."""
    total = hashlib.sha256(f"{circuit.model_digest} {seed}".encode())
    total.update(" ".join(sorted(f"{writer}>{reader}" for writer, reader in circuit.wires)).encode())
    for each in (pairs, find):
        if each is not None:
            total.update(each.clean.numpy().tobytes() + each.counterfactual.numpy().tobytes())
            total.update(f"{each.ends} {each.metric!r} {each.templates}".encode())
    return total.hexdigest()


class _Work:
    """Estimates the finished share of a proof, with the durations of the first runs as costs."""

    def __init__(self, controls: int, sampled: int, null: int, progress: Progress | None) -> None:
        self._progress, self._began = progress, time.perf_counter()
        self._left = {
            "alone": controls + 2,
            "without": controls + 2,
            "sites": 62,
            "removals": sampled,
            "inflated": null,
        }
        self._costs = dict.fromkeys(self._left, 1.0)
        self._spent = 0.0

    def done(self, name: str) -> None:
        """Count a name whose numbers are available."""
        step, amount = _step(name)
        if step not in self._left:
            return
        if name in ("circuit: alone", "circuit: without"):  # the first runs give the cost of the others
            now = time.perf_counter()
            self._costs[step] = max(1e-3, now - self._began)
            self._began = now
            self._costs["sites"] = self._costs[step]
            self._costs["removals"] = self._costs["inflated"] = self._costs["alone"] / 8
        amount = min(amount, self._left[step])
        self._left[step] -= amount
        self._spent += amount * self._costs[step]
        if self._progress is not None:
            left = sum(count * self._costs[each] for each, count in self._left.items())
            number = list(STEPS).index(step) + 1
            self._progress(STEPS[step], number, len(STEPS), self._spent / (self._spent + left))


def _step(name: str) -> tuple[str, int]:
    """The step of a ledger name, and the number of its runs that the name stands for."""
    if name.startswith("inflated"):
        return "inflated", int(name.rpartition(" ")[2])
    if name.startswith("removals"):
        return "removals", 1 << 30
    if name.startswith(("circuit without", "all without")):
        return "sites", 1
    return name.rpartition(": ")[2], 1
