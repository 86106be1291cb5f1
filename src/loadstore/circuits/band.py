"""F of random circuits at every size of a curve, with as many wires of each kind as the ranked circuit."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from loadstore.circuits.controls import alike, as_mask, chosen, strata
from loadstore.circuits.measured import Measured
from loadstore.circuits.ranking import check_ranking, count_of, mask_of_first, ranking
from loadstore.errors import BadRequest

if TYPE_CHECKING:
    import xarray as xr


def random_band(
    ranked: "xr.Dataset",
    on: Measured,
    sizes: Sequence[float],
    by: str = "paths",
    controls: int = 8,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> np.ndarray:
    """Measure random circuits of the same sizes as the circuits of a ranking.

    Args:
        ranked: The Dataset from ``attribute``.
        on: The pairs for measuring.
        sizes: Shares of the live wires.
        by: The ranking.
        controls: Random circuits of each size.
        seed: The seed of the draws.
        progress: Called with the number of circuits done and the total.

    Returns:
        F [size, control].

    Raises:
        BadRequest: ``controls`` is too small.
        NotThisModel: The ranking is of another model.
    """
    check_ranking(ranked, on.pairs.model)
    if controls < 1:
        raise BadRequest(f"controls={controls}: expected at least one")
    order, kinds = ranking(ranked, by), strata(on.live)
    band = np.empty((len(sizes), controls))
    for row, size in enumerate(sizes):
        wires = chosen(on.live, mask_of_first(on.live, order, count_of(float(size), len(order))))
        for column in range(controls):
            generator = np.random.default_rng((seed, row, column))
            band[row, column] = on.faithfulness(as_mask(on.live, alike(kinds, wires, generator)))
            if progress is not None:
                progress(row * controls + column + 1, band.size)
    return band
