"""Values of the metric in runs of circuits, and faithfulness with its interval.

F(C) = (m(C) − m(none)) / (m(all) − m(none))        m a mean over pairs: a ratio of means
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

import numpy as np
import torch
from jaxtyping import Bool
from torch import Tensor

from loadstore.circuits.context import Context, contexts
from loadstore.circuits.live import Live
from loadstore.circuits.pairs import Pairs
from loadstore.circuits.reads import Norms
from loadstore.circuits.replaced import Ablation
from loadstore.errors import BadRequest

Values: TypeAlias = np.ndarray
"""One number for each pair."""
DRAWS = 1000
LEVELS = (2.5, 97.5)
ROUNDING = 100  # maximum difference of two runs of one prompt, in units in the last place


@dataclass(frozen=True, eq=False)
class Measured:
    """Pairs for measuring circuits.

    Args:
        pairs: The pairs.
        tiles: The pairs with everything that is the same for every circuit, in tiles that fit in memory.
        all: The metric of each pair with all wires.
        none: The metric of each pair without any wire.
    """

    pairs: Pairs
    tiles: tuple[Context, ...]
    all: Values
    none: Values

    @property
    def live(self) -> Live:
        """The live wires of the model."""
        return self.tiles[0].live

    def values(self, mask: Bool[Tensor, "writer reader"]) -> Values:
        """The metric of each pair in the run of a circuit."""
        return np.concatenate([tile.of(mask).double().cpu().numpy() for tile in self.tiles])

    def without_each(self, mask: Bool[Tensor, "writer reader"], places: np.ndarray) -> list[Values]:
        """The metric of each pair without one wire of the circuit at a time; ``places`` index the live wires."""
        wires = [(int(row), int(column)) for row, column in self.live.exists.nonzero()[places].tolist()]
        parts = [tile.without_each(mask, wires) for tile in self.tiles]
        return [np.concatenate([part[index] for part in parts]) for index in range(len(wires))]

    def faithfulness(self, mask: Bool[Tensor, "writer reader"]) -> float:
        """F of a circuit."""
        return self.ratio(self.values(mask))

    def ratio(self, values: Values) -> float:
        """F for values of the metric."""
        return float((values - self.none).mean() / (self.all - self.none).mean())

    def interval(self, values: Values, seed: int = 0) -> tuple[float, float]:
        """A 95 % bootstrap interval of F: resamples templates, and pairs within each of them."""
        counts = drawn(self.pairs.templates, DRAWS, seed)
        above, below = counts @ (values - self.none), counts @ (self.all - self.none)
        with np.errstate(divide="ignore", invalid="ignore"):
            low, high = np.nanpercentile(above / below, LEVELS)
        return float(low), float(high)

    def error(self, values: Values) -> float:
        """The squared error of single pairs, relative to that without any wire."""
        return float(((values - self.all) ** 2).mean() / ((self.none - self.all) ** 2).mean())


def measured(pairs: Pairs, ablation: Ablation = "counterfactual", norms: Norms = "free") -> Measured:
    """Prepare pairs. Raises BadRequest if m(all) and m(none) are equal."""
    tiles = tuple(contexts(pairs, ablation, norms))
    every, none = (
        np.concatenate([value.double().cpu().numpy() for value in values])
        for values in ([tile.all for tile in tiles], [tile.none for tile in tiles])
    )
    unit = ROUNDING * torch.finfo(pairs.model.dtype).eps
    if not abs((every - none).mean()) > unit * (abs(every) + abs(none)).mean():
        raise BadRequest(
            f"m(all) and m(none) are equal ({every.mean():.3g}), so faithfulness is not defined; give a metric that "
            "the two prompts of a pair decide between"
        )
    return Measured(pairs, tiles, every, none)


@lru_cache(8)
def drawn(templates: tuple[str, ...], draws: int, seed: int) -> np.ndarray:
    """How often a bootstrap over templates, and over pairs within each, draws each pair [draw, pair]."""
    generator = np.random.default_rng(seed)
    groups = [np.flatnonzero(np.array(templates) == name) for name in dict.fromkeys(templates)]
    counts = np.zeros((draws, len(templates)))
    for row in counts:
        for group in generator.integers(len(groups), size=len(groups)):
            pairs = groups[group]
            np.add.at(row, pairs[generator.integers(len(pairs), size=len(pairs))], 1)
    return counts
