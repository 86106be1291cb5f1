"""Whether other pairs of the same task would give the same circuit."""

from itertools import combinations

import numpy as np

from loadstore.circuits.controls import Chosen
from loadstore.circuits.measured import LEVELS, drawn
from loadstore.circuits.proof import Stability
from loadstore.circuits.ranking import Ends, order_of

DRAWS = 20


def stability(each: np.ndarray, templates: tuple[str, ...], ends: Ends, by: str, count: int, seed: int) -> Stability:
    """Cut circuits of the same size from rankings of resampled pairs, and compare each with every other.

    Args:
        each: The attribution of every live wire for each pair [pair, wire].
        templates: The template of each pair.
        ends: The ends of the wires.
        by: Which mean over pairs ranks them.
        count: The number of wires of a circuit.
        seed: The seed for drawing pairs.
    """
    circuits = [first_of(order_of_pairs(each, counts, ends, by), count) for counts in drawn(templates, DRAWS, seed)]
    indices = [jaccard(left, other) for left, other in combinations(circuits, 2)]
    low, high = np.percentile(indices, LEVELS)
    return Stability(float(np.mean(indices)), float(low), float(high), DRAWS)


def order_of_pairs(each: np.ndarray, counts: np.ndarray, ends: Ends, by: str) -> np.ndarray:
    """The order of wires by their attributions, with each pair counted ``counts`` times."""
    return order_of(counts @ np.abs(each), counts @ each, ends, by)


def first_of(order: np.ndarray, count: int) -> Chosen:
    """The first ``count`` wires of an order."""
    chosen = np.zeros(len(order), dtype=bool)
    chosen[order[:count]] = True
    return chosen


def jaccard(this: Chosen, other: Chosen) -> float:
    """Shared wires divided by all wires of two circuits; 1 if both are empty."""
    union = int((this | other).sum())
    return int((this & other).sum()) / union if union else 1.0
