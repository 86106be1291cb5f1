"""F of a circuit and of all other wires, compared with matched random circuits and the wires of the next ranks."""

from collections.abc import Sequence

import numpy as np

from loadstore.circuits.controls import Chosen, alike, as_mask
from loadstore.circuits.ledger import Ledger
from loadstore.circuits.measured import Measured, Values
from loadstore.circuits.proof import BesideControls


def beside_controls(
    on: Measured, wires: Chosen, kinds: np.ndarray, near: Chosen | None, count: int, seed: int, ledger: Ledger
) -> tuple[BesideControls, BesideControls]:
    """Measure sufficiency and necessity.

    Args:
        on: The pairs.
        wires: The circuit.
        kinds: The stratum of every live wire.
        near: The wires of the next ranks.
        count: The number of controls.
        seed: The seed for drawing them.
        ledger: Reads numbers from an earlier run and keeps new ones.

    Returns:
        Sufficiency, with p based on −|1 − F(C)|, and necessity, with p based on −F(all∖C).
    """
    own, without = _both(on, wires, "circuit", ledger)
    alone: list[float] = []
    left: list[float] = []
    for number in range(count):
        drawn = alike(kinds, wires, np.random.default_rng([seed, number]))
        inside, other = _both(on, drawn, f"control {number}", ledger)
        alone.append(on.ratio(inside))
        left.append(on.ratio(other))
    next_alone = next_left = float("nan")
    if near is not None:
        next_alone, next_left = (on.ratio(values) for values in _both(on, near, "near", ledger))
    sufficient = [-abs(1 - f) for f in alone]
    necessary = [-f for f in left]
    return (
        _found(on, own, -abs(1 - on.ratio(own)), sufficient, alone, next_alone),
        _found(on, without, -on.ratio(without), necessary, left, next_left),
    )


def p_of(value: float, controls: Sequence[float]) -> float:
    """(1 + the controls that are at least as good) / (1 + all controls); a NaN counts as good as any control."""
    return (1 + sum(not value > control for control in controls)) / (1 + len(controls))


def _found(
    on: Measured, values: Values, quality: float, qualities: Sequence[float], f: Sequence[float], near: float
) -> BesideControls:
    low, high = on.interval(values)
    gap = quality - max(qualities)
    return BesideControls(on.ratio(values), low, high, p_of(quality, qualities), gap, tuple(f), near)


def _both(on: Measured, wires: Chosen, name: str, ledger: Ledger) -> tuple[Values, Values]:
    """The metric of each pair with only the given wires, and with all others."""
    mask = as_mask(on.live, wires)
    inside = ledger.numbers(f"{name}: alone", lambda: on.values(mask).tolist())
    other = ledger.numbers(f"{name}: without", lambda: on.values(on.live.exists & ~mask).tolist())
    return np.array(inside), np.array(other)
