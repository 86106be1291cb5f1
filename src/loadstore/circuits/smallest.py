"""The smallest circuit of a ranking that is faithful enough on the given pairs."""

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from loadstore.circuits.circuit import Circuit, first
from loadstore.circuits.curve import SIZES
from loadstore.circuits.measured import Measured, measured
from loadstore.circuits.pairs import Pairs
from loadstore.circuits.ranking import check_ranking, mask_of_first, ranking
from loadstore.circuits.reads import Norms
from loadstore.circuits.replaced import Ablation
from loadstore.errors import BadRequest

if TYPE_CHECKING:
    import xarray as xr

MOST_RUNS = len(SIZES) + 5
CLOSE = 1.1  # the search stops at this ratio of two sizes


def smallest(ranked: "xr.Dataset", pairs: Pairs, enough: float, by: str = "paths") -> Circuit:
    """Search the size: upwards on the grid of ``curve``, then between the first sufficient size and the one before.

    F need not grow with size: this finds the first crossing on that grid, to within 10 %.

    Args:
        ranked: The Dataset from ``attribute``.
        pairs: Pairs for F.
        enough: The required faithfulness.
        by: The ranking: ``"paths"``, ``"attribution"``, ``"signed"`` or ``"positive"``.

    Raises:
        BadRequest: No size is sufficient.
    """
    return smallest_on(ranked, measured(pairs, *settings_of(ranked)), enough, by)


def settings_of(ranked: "xr.Dataset") -> tuple[Ablation, Norms]:
    """The ablation and norms of a ranking; the defaults of ``attribute`` unless it states others."""
    ablation: Ablation = "mean" if ranked.attrs.get("ablation") == "mean" else "counterfactual"
    norms: Norms = "frozen" if ranked.attrs.get("norms") == "frozen" else "free"
    return ablation, norms


def smallest_on(
    ranked: "xr.Dataset",
    on: Measured,
    enough: float,
    by: str = "paths",
    progress: Callable[[int, int], None] | None = None,
) -> Circuit:
    """Like ``smallest``, on prepared pairs; ``progress`` is called with the runs done and their maximum number."""
    check_ranking(ranked, on.pairs.model)
    order = ranking(ranked, by)
    runs = 0

    def reaches(count: int) -> bool:
        nonlocal runs
        runs += 1
        if progress is not None:
            progress(min(runs, MOST_RUNS), MOST_RUNS)
        return on.faithfulness(mask_of_first(on.live, order, count)) >= enough

    counts = sorted({max(1, round(size * len(order))) for size in SIZES})
    low = 0
    for count in counts:
        if reaches(count):
            break
        low = count
    else:
        raise BadRequest(f"no size has F ≥ {enough:g} on these {len(on.pairs)} pairs; ask for less, or give size=")
    high = count
    while high > low + 1 and high > CLOSE * max(1, low):
        middle = max(low + 1, min(high - 1, round(math.sqrt(max(1, low) * high))))
        if reaches(middle):
            high = middle
        else:
            low = middle
    return first(ranked, order, high, by)
