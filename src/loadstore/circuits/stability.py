"""Whether other pairs of the same task would have given the same circuit."""

from itertools import combinations

import numpy as np

from loadstore.circuits.controls import Chosen
from loadstore.circuits.measured import LEVELS, drawn
from loadstore.circuits.proof import Stability

DRAWS = 20


def stability(each: np.ndarray, templates: tuple[str, ...], count: int, seed: int) -> Stability:
    """Cut circuits of the same size from rankings of resampled pairs, and compare all of them with each other.

    Args:
        each: The absolute attribution of every live wire for each pair [pair, wire].
        templates: The template of each pair.
        count: Wires of a circuit.
        seed: The seed by which pairs are drawn.
    """
    circuits = [strongest(counts @ each, count) for counts in drawn(templates, DRAWS, seed)]
    indices = [jaccard(one, other) for one, other in combinations(circuits, 2)]
    low, high = np.percentile(indices, LEVELS)
    return Stability(float(np.mean(indices)), float(low), float(high), DRAWS)


def strongest(weight: np.ndarray, count: int) -> Chosen:
    """The ``count`` wires of largest weight; equal ones in depth order."""
    chosen = np.zeros(len(weight), dtype=bool)
    chosen[np.argsort(-weight, kind="stable")[:count]] = True
    return chosen


def jaccard(one: Chosen, other: Chosen) -> float:
    """Shared wires over all wires of two circuits; 1 for two empty ones."""
    union = int((one | other).sum())
    return int((one & other).sum()) / union if union else 1.0
