"""Faithfulness of a ranking at every size, and the numbers that compare rankings."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from loadstore.circuits.measured import Measured, measured
from loadstore.circuits.pairs import Pairs
from loadstore.circuits.ranking import check_ranking, count_of, mask_of_first, ranking
from loadstore.circuits.reads import Norms
from loadstore.circuits.replaced import Ablation
from loadstore.errors import BadRequest

if TYPE_CHECKING:
    import xarray as xr

MIB = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
SIZES = (0.0002, 0.0005, *MIB)
SMALL = (0.0005, 0.1)  # the sizes over which |1 − F| is averaged to compare rankings
ENOUGH = 0.85


def curve(
    ranked: "xr.Dataset",
    pairs: Pairs,
    *,
    sizes: Sequence[float] = SIZES,
    by: str = "paths",
    ablation: Ablation = "counterfactual",
    norms: Norms = "free",
    progress: Callable[[int, int], None] | None = None,
) -> "xr.Dataset":
    """Measure the circuits that a ranking gives at every size.

    Args:
        ranked: The Dataset from ``attribute``.
        pairs: Pairs that were not used to find it, such as ``task.judge``.
        sizes: The sizes, as shares of the live wires.
        by: The ranking: ``"paths"``, ``"attribution"``, ``"signed"`` or ``"positive"`` (circuits/ranking.py).
        ablation: The values of all other wires.
        norms: ``"free"`` or ``"frozen"`` scales of norms, as in ``attribute``.
        progress: Called with the number of sizes done and the total.

    Returns:
        A Dataset over ``size`` (shares): ``faithfulness`` with ``low`` and ``high``, ``error``, ``wires``. Attributes:
        ``cmd`` and ``cpr``, the areas under |1 − F| and F over MIB's sizes. They are NaN unless all these sizes are
        measured; MIB's cpr uses the ranking ``"positive"``. ``small``, the mean of |1 − F| over the sizes from .05 to
        10 %; ``smallest``, the smallest measured size with F ≥ .85 (NaN if none).

    Raises:
        BadRequest: ``sizes`` is empty or contains a value that is not a share.
        NotThisModel: The ranking is of another model.

    Example:
        >>> import loadstore as ls
        >>> model = ls.load("builtin")
        >>> task = ls.task(model, "induction", pairs=16)
        >>> ranked = ls.attribute(task, points=2)
        >>> curve = ls.curve(ranked, task.judge, sizes=[.01, .1])
        >>> curve.faithfulness.dims
        ('size',)
    """
    return curve_on(ranked, measured(pairs, ablation, norms), sizes, by, progress)


def curve_on(
    ranked: "xr.Dataset",
    on: Measured,
    sizes: Sequence[float] = SIZES,
    by: str = "paths",
    progress: Callable[[int, int], None] | None = None,
) -> "xr.Dataset":
    """Like ``curve``, on prepared pairs."""
    import xarray as xr

    check_ranking(ranked, on.pairs.model)
    if not len(sizes):
        raise BadRequest("sizes=[]: give at least one share of the wires, such as .01")
    order = ranking(ranked, by)
    rows: list[tuple[float, float, float, float, int]] = []
    for number, size in enumerate(sizes):
        count = count_of(float(size), len(order))
        values = on.values(mask_of_first(on.live, order, count))
        rows.append((on.ratio(values), *on.interval(values), on.error(values), count))
        if progress is not None:
            progress(number + 1, len(sizes))
    columns = dict(zip(("faithfulness", "low", "high", "error", "wires"), zip(*rows, strict=True), strict=True))
    shares, f = np.array(sizes, dtype=float), np.array(columns["faithfulness"])
    return xr.Dataset(
        {name: ("size", np.array(column)) for name, column in columns.items()},
        coords={"size": shares},
        attrs={
            **{name: ranked.attrs[name] for name in ("model", "task", "metric", "method", "ablation", "norms")},
            "by": by,
            "pairs": len(on.pairs),
            "cmd": _area(shares, np.abs(1 - f)),
            "cpr": _area(shares, f),
            "small": mean_small(shares, f),
            "smallest": smallest_from(shares, f),
        },
    )


def mean_small(sizes: np.ndarray, f: np.ndarray) -> float:
    """The mean of |1 − F| over the measured small sizes; NaN if there are none."""
    small = (sizes >= SMALL[0]) & (sizes <= SMALL[1])
    return float(np.abs(1 - f[small]).mean()) if small.any() else float("nan")


def smallest_from(sizes: np.ndarray, f: np.ndarray, enough: float = ENOUGH) -> float:
    """The smallest measured size with F ≥ ``enough``; NaN if there is none."""
    reached = sizes[f >= enough]
    return float(reached.min()) if len(reached) else float("nan")


def _area(sizes: np.ndarray, values: np.ndarray) -> float:
    """MIB's area: trapezoids between its sizes, from the smallest size to all wires."""
    places = [np.flatnonzero(np.isclose(sizes, size)) for size in MIB]
    if not all(len(matches) for matches in places):
        return float("nan")
    at = [int(matches[0]) for matches in places]
    return float(np.trapezoid(values[at], sizes[at]))
