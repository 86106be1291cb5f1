"""Figures of measured circuits: F by size compared with random circuits, and the six numbers of a proof."""

from typing import TYPE_CHECKING

import numpy as np

from loadstore.circuits.curve import ENOUGH
from loadstore.circuits.proof import BesideControls, Proof
from loadstore.decomposition.short import short
from loadstore.figures.words import number
from loadstore.views.dots import Dot, dot, dots
from loadstore.views.model import Figure, figure, lines, rule, series

if TYPE_CHECKING:
    import xarray as xr

SHOWN = 16  # rows shown
NAMES = {
    "paths": "one-sided mean, on paths",
    "attribution": "mean |attribution|",
    "signed": "|mean attribution|",
    "positive": "mean attribution",
}


def curve_figure(curve: "xr.Dataset", random: np.ndarray | None = None) -> Figure:
    """F of the ranking's circuits at every size, with intervals, and of random circuits of the same sizes.

    Args:
        curve: The Dataset from ``curve``.
        random: F of random circuits [size, control].
    """
    sizes, f = 100 * curve["size"].values, curve.faithfulness.values
    drawn = [
        series("F", sizes, f),
        series("95 %, lower", sizes, curve.low.values, dashed=True),
        series("95 %, upper", sizes, curve.high.values, dashed=True),
    ]
    if random is not None:
        drawn += [series("random, best", sizes, random.max(1)), series("random, worst", sizes, random.min(1))]
    view = lines(
        "Faithfulness by size",
        ("size", "wires, % of all that can differ", "log"),
        ("faithfulness", "F", "linear"),
        drawn,
        [rule("y", 1.0, "all wires"), rule("y", ENOUGH, f"{short(ENOUGH)}")],
    )
    smallest = float(curve.attrs["smallest"])
    reached = (
        f"No measured size reaches F = {short(ENOUGH)}."
        if np.isnan(smallest)
        else f"{100 * smallest:.2g} % of the wires are the smallest measured size with F of at least {short(ENOUGH)}."
    )
    beside = "" if random is None else f" {_random_sizes(sizes, random)}"
    claim = (
        f"{reached} The mean of |1 − F| over sizes from .05 to 10 % is {short(float(curve.attrs['small']))}, ranked by "
        f"{NAMES[curve.attrs['by']]}; dashed lines are 95 % intervals over {curve.attrs['pairs']} pairs.{beside}"
    )
    return figure("Sizes", f"How many wires {curve.attrs['task']} takes", claim, [view])


def _random_sizes(sizes: np.ndarray, random: np.ndarray) -> str:
    """The smallest size at which a random circuit is as faithful."""
    enough = sizes[random.max(1) >= ENOUGH]
    if not len(enough):
        return f"None of {random.shape[1]} random circuits of any size reaches it."
    return f"The best of {random.shape[1]} random circuits of each size reaches it at {enough.min():.3g} %."


def proof_figure(proof: Proof) -> Figure:
    """The six measurements of a circuit as dots, controls as thin lines."""
    whole = dots(
        "F beside random circuits",
        "F",
        [_beside("the circuit", proof.sufficiency), _beside("all other wires", proof.necessity)],
        others="the same of random circuits",
        rules=[(0.0, "no wires"), (1.0, "all wires")],
    )
    complete, minimal = proof.completeness, proof.minimality
    gaps = sorted(
        zip(complete.sites, complete.inside, complete.whole, strict=True), key=lambda row: -abs(row[1] - row[2])
    )[:SHOWN]
    lacking = dots(
        "Completeness: F without a site, of the circuit and of all wires",
        "F without the site",
        [dot(site, inside, (inside, outside), text=f"of all wires {short(outside)}") for site, inside, outside in gaps],
        rules=[(proof.sufficiency.value, "the circuit")],
    )
    order = np.argsort(-np.array(minimal.changes), kind="stable")[:SHOWN]
    needed = dots(
        "Minimality: how far F moves without a wire",
        "|F(C) − F(C∖wire)|",
        [dot(minimal.wires[i], minimal.changes[i], text=f"p {minimal.p[i]:.2g}") for i in order],
        rules=[(minimal.null_high, f"95 % of {minimal.null:,} removals of random wires")],
        digits=3,
    )
    title = f"The circuit of {proof.facts['task']} under six tests"
    return figure("Proof", title, _claim(proof), [whole, lacking, needed])


def _beside(label: str, beside: BesideControls) -> Dot:
    near = "" if np.isnan(beside.near) else f", the next ranks {short(beside.near)}"
    text = f"p {beside.p:.2g}, {short(beside.gap)} beyond the best control{near}"
    return dot(label, beside.value, (beside.low, beside.high), beside.controls, text, strong=True)


def _claim(proof: Proof) -> str:
    """The numbers in sentences."""
    s, n, c, m = proof.sufficiency, proof.necessity, proof.completeness, proof.minimality
    stable = (
        ""
        if proof.stability is None
        else (f" Circuits found with resampled pairs share {short(proof.stability.mean)} of their wires (Jaccard).")
    )
    others = "".join(
        f" The circuit of {other.task} has F {short(other.faithfulness)} here." for other in proof.specificity
    )
    return (
        f"The {proof.facts['wires']:,} wires carry F {short(s.value)}, and all other wires {short(n.value)}; "
        f"{_controls(s)}. Completeness: the largest difference is {short(c.largest)}. Minimality: "
        f"{100 * m.needed:.0f} % of {len(m.wires)} sampled wires move F further than random wires do.{stable}{others}"
    )


def _controls(beside: BesideControls) -> str:
    best = "above the best" if beside.gap > 0 else "not above the best"
    return f"that is {best} of {len(beside.controls)} random circuits, p {number(beside.p, 3)}"
