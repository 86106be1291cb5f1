"""Measures how much of the behaviour a circuit preserves alone, and how much is lost without it."""

from typing import TYPE_CHECKING

import numpy as np

from loadstore.circuits.circuit import Circuit
from loadstore.circuits.measured import Measured, measured
from loadstore.circuits.pairs import Pairs
from loadstore.circuits.reads import Norms
from loadstore.circuits.replaced import Ablation

if TYPE_CHECKING:
    import xarray as xr


def faithfulness(
    circuit: Circuit, pairs: Pairs, *, ablation: Ablation = "counterfactual", norms: Norms = "free"
) -> "xr.Dataset":
    """Measure a circuit on pairs: its wires alone, and all wires without them.

    Args:
        circuit: The circuit.
        pairs: Pairs that were not used to find it, such as ``task.judge``.
        ablation: The values of all other wires: the counterfactual run, its mean over the pairs at each position, or
            zero.
        norms: ``"free"``: norms use the scales of the circuit's run; ``"frozen"``: those of the clean run.

    Returns:
        A Dataset. Numbers: ``faithfulness`` F(C) with its 95 % interval ``low``, ``high``; ``error``, the squared error
        of single pairs relative to that without any wire; ``necessity`` 1 − F(all wires but these) with
        ``necessity_low``, ``necessity_high``. Over ``pair``: the metric with the circuit (``value``), without it
        (``without``), with all wires (``all``) and with none (``none``).

    Raises:
        NotThisModel: The circuit is of another model.
        BadRequest: The metric is the same with all wires and with none.

    Example:
        >>> import loadstore as ls
        >>> model = ls.load("builtin")
        >>> task = ls.task(model, "induction", pairs=16)
        >>> ranked = ls.attribute(task, points=2)
        >>> result = ls.faithfulness(ls.circuit(ranked, size=.1), task.judge)
        >>> -1 < result.faithfulness.item() < 2
        True
    """
    return faithfulness_on(circuit, measured(pairs, ablation, norms), ablation, norms)


def faithfulness_on(circuit: Circuit, on: Measured, ablation: Ablation, norms: Norms) -> "xr.Dataset":
    """Like ``faithfulness``, on prepared pairs."""
    import xarray as xr

    mask = circuit.mask(on.pairs.model)
    value, without = on.values(mask), on.values(on.live.exists & ~mask)
    (low, high), (left_low, left_high) = on.interval(value), on.interval(without)
    return xr.Dataset(
        {
            "faithfulness": on.ratio(value),
            "low": low,
            "high": high,
            "error": on.error(value),
            "necessity": 1 - on.ratio(without),
            "necessity_low": 1 - left_high,
            "necessity_high": 1 - left_low,
            "value": ("pair", value),
            "without": ("pair", without),
            "all": ("pair", on.all),
            "none": ("pair", on.none),
        },
        coords={"template": ("pair", np.array(on.pairs.templates))},
        attrs={
            "model": on.pairs.model.name,
            "task": circuit.task,
            "metric": str(on.pairs.metric),
            "wires": len(circuit),
            "size": circuit.size,
            "pairs": len(on.pairs),
            "ablation": ablation,
            "norms": norms,
            "definition": "F = (m(C) − m(none)) / (m(all) − m(none)), means over pairs (docs/circuits.md)",
        },
    )
