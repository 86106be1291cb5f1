"""Removes each wire of a circuit alone, and compares with removals of random wires from inflated circuits.

An inflated circuit is the circuit plus as many random wires; one of the random wires is removed from it.
"""

from collections.abc import Sequence
from functools import partial

import numpy as np

from loadstore.circuits.controls import Chosen, alike, as_mask
from loadstore.circuits.ledger import Ledger
from loadstore.circuits.measured import Measured
from loadstore.circuits.proof import Minimality

LEVEL = 0.05
EACH = 100  # maximum removals from one inflated circuit


def minimality(
    on: Measured, wires: Chosen, kinds: np.ndarray, sampled: int, null: int, seed: int, ledger: Ledger
) -> Minimality:
    """Remove sampled wires of a circuit one at a time.

    Args:
        on: The pairs.
        wires: The circuit.
        kinds: The stratum of every live wire.
        sampled: The maximum number of its wires to remove.
        null: The number of removals of random wires.
        seed: The seed for drawing both.
        ledger: Reads numbers from an earlier run and keeps new ones.
    """
    generator = np.random.default_rng([seed, 1])
    places = np.flatnonzero(wires)
    places = np.sort(generator.permutation(places)[:sampled])
    changes = ledger.numbers(f"removals {len(places)}", lambda: _changes(on, wires, places))
    pooled: list[float] = []
    for number in range(null):
        draw = np.random.default_rng([seed, 2, number])
        added = alike(kinds, wires, draw, outside=wires)
        drawn = np.sort(draw.permutation(np.flatnonzero(added))[: min(EACH, null - len(pooled))])
        if not len(drawn):
            break  # enough removals, or no wire left to add
        pooled += ledger.numbers(f"inflated {number} {len(drawn)}", partial(_changes, on, wires | added, drawn))
    p = [(1 + sum(other >= change for other in pooled)) / (1 + len(pooled)) for change in changes]
    names = [f"{writer} → {reader}" for writer, reader in _named(on, places)]
    median, high = (float(np.percentile(pooled, at)) if pooled else float("nan") for at in (50, 95))
    needed = benjamini_hochberg(p) / max(1, len(p))
    return Minimality(tuple(names), tuple(changes), tuple(p), needed, len(pooled), median, high, len(on.pairs))


def benjamini_hochberg(p: Sequence[float], level: float = LEVEL) -> int:
    """The number of hypotheses rejected at a false discovery rate of ``level``."""
    ordered = sorted(p)
    return max((rank for rank, value in enumerate(ordered, 1) if value <= level * rank / len(ordered)), default=0)


def _changes(on: Measured, wires: Chosen, places: np.ndarray) -> list[float]:
    """|F(C) − F(C∖w)| for each place."""
    mask = as_mask(on.live, wires)
    whole = on.faithfulness(mask)
    return [abs(whole - on.ratio(values)) for values in on.without_each(mask, places)]


def _named(on: Measured, places: np.ndarray) -> list[tuple[object, object]]:
    rows, columns = (each.numpy() for each in on.live.exists.nonzero().unbind(1))
    return [(on.live.writers[rows[index]], on.live.readers[columns[index]]) for index in places]
