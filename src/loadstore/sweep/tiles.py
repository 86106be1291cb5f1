"""Tiles of the scores of a large model: ranges of layers whose readers are scored together, of about equal cost."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from loadstore.cost.of_weights import readers_of_scores, wires_of_scores, writers_of_scores
from loadstore.linear.discovery import adjusted
from loadstore.model.weights import Weights
from loadstore.sweep.of_wires import aligned
from loadstore.sweep.result import Result

TILE = 2e13  # operations of one tile: some minutes of one processor


def tiles(weights: Weights, analysis: str, most: float = TILE) -> list[tuple[int, int] | None]:
    """The tiles of an analysis: ranges of layers, or [None] where it is done in one.

    A tile makes the ends of all its writers anew, so that the rest must be at least as much work as these. Only
    operations are compared, so that tiles are the same on every machine.
    """
    layers = weights.architecture.n_layers
    if analysis != "scores" or layers < 2:
        return [None]
    shape = weights.architecture
    anew, once = writers_of_scores(shape).operations, (readers_of_scores(shape) + wires_of_scores(shape)).operations
    count = min(layers, math.ceil(once / max(most, anew)))
    return [None] if count < 2 else list(zip(*_ends(layers, count), strict=True))


def _ends(layers: int, count: int) -> tuple[list[int], list[int]]:
    """First and end layers of ``count`` ranges. A reader at depth l has about l + 1 writers, so late ranges are short.

    Every range has at least one layer.
    """
    cost = np.cumsum(np.arange(1, layers + 1))
    cuts = [int(np.searchsorted(cost, cost[-1] * part / count)) + 1 for part in range(1, count)]
    for index, cut in enumerate(cuts):
        least = cuts[index - 1] + 1 if index else 1
        cuts[index] = min(max(cut, least), layers - (len(cuts) - index))
    return [0, *cuts], [*cuts, layers]


def readers_of(weights: Weights, layers: tuple[int, int] | None) -> str | list[str]:
    """The globs of a tile's readers; the unembedding belongs to the last tile."""
    if layers is None:
        return "*"
    last = ["unembed"] if layers[1] == weights.architecture.n_layers else []
    return [f"L{layer}.*" for layer in range(*layers)] + last


def joined(results: Sequence[Result]) -> Result:
    """The scores of all tiles of a model as one result, in the order of readers, with q over all wires."""
    if len(results) == 1:
        return results[0]
    columns: Mapping[str, np.ndarray] = {
        name: np.concatenate([result.columns[name] for result in results]) for name in results[0].columns
    }
    return Result({**columns, "q": adjusted(columns["p"])}, aligned(columns), results[0].facts)
