"""Attributions of all wires for each pair: the metric's gradient along a path, times the wire's difference.

mask     a = ∫₀¹ ∂m/∂M dα with every mask at α         Σ over all wires = m(all) − m(none)
eap      ⟨∂m/∂u_r, o_w − o′_w⟩ at the clean run         Syed et al. 2310.10348
eap-ig   the mean of that gradient over inputs e′ + k/n (e − e′), k = 1 … n      Hanna et al. 2403.17806
"""

from typing import Literal, TypeAlias

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from loadstore.circuits.backward import by_wire, gradients
from loadstore.circuits.context import Context
from loadstore.circuits.uniform import Differences, Uniform, uniform
from loadstore.errors import Undefined
from loadstore.threads import threads_for

Method: TypeAlias = Literal["mask", "eap", "eap-ig"]
METHODS: dict[str, Method] = {"mask": "mask", "eap": "eap", "eap-ig": "eap-ig"}
Attributions: TypeAlias = Float[Tensor, "batch writer reader"]
DEEPEST = 14  # maximum halvings of an interval


def attributions(
    context: Context, method: Method = "mask", points: int = 5, tolerance: float | None = None
) -> Attributions:
    """Return the attribution of each wire for each pair; 0 where there is no wire.

    Args:
        context: The pairs.
        method: ``mask``, ``eap`` or ``eap-ig``.
        points: The number of gradients along the path.
        tolerance: For ``mask``: halve intervals of α until the attributions miss at most this fraction of the total
            effect.

    Raises:
        Undefined: The tolerance is not reached.
    """
    with threads_for(0):
        return _attributions(context, method, points, tolerance)


def _attributions(context: Context, method: Method, points: int, tolerance: float | None) -> Attributions:
    if method == "mask":
        return _adaptive(context, points, tolerance) if tolerance is not None else _along(context, 0.0, 1.0, points)
    end = run_at(context, 1.0)
    steps = [context.embed] if method == "eap" else [_between(context, k / points) for k in range(1, points + 1)]
    attributions = _zeros(context)
    for embed in steps:
        attributions += _by_wires(context, run_at(context, 1.0, embed), end.differences) / len(steps)
    return attributions


def _between(context: Context, share: float) -> Tensor:
    return context.base.embed + share * (context.embed - context.base.embed)


def run_at(context: Context, alpha: float, embed: Tensor | None = None) -> Uniform:
    """One pass with every mask at α; ``embed`` replaces the embedding's stores for the clean prompts."""
    embed = context.embed if embed is None else embed
    ends = torch.tensor(context.pairs.ends, device=embed.device)
    return uniform(
        context.weights,
        context.live,
        alpha,
        embed,
        ends,
        context.base,
        context.measure,
        context.scales,
        context.first,
    )


def _along(context: Context, low: float, high: float, points: int) -> Attributions:
    """The integral over α from ``low`` to ``high``, by Gauss–Legendre quadrature."""
    nodes, shares = np.polynomial.legendre.leggauss(points)
    attributions = _zeros(context)
    for node, share in zip(nodes, shares, strict=True):
        attributions += _at(context, low + (high - low) * (float(node) + 1) / 2) * (float(share) * (high - low) / 2)
    return attributions


def _at(context: Context, alpha: float) -> Attributions:
    """The gradient with every mask at α; the pass, which takes hundreds of MB, is freed before the next one."""
    run = run_at(context, alpha)
    return _by_wires(context, run, run.differences)


def _adaptive(context: Context, points: int, tolerance: float) -> Attributions:
    """Halve intervals whose integral differs from the change of the metric between their ends."""
    total = float((context.all - context.none).abs().sum())
    attributions, intervals = _zeros(context), [(0.0, 1.0, context.none, context.all, 0)]
    while intervals:
        low, high, before, after, depth = intervals.pop()
        piece = _along(context, low, high, points)
        missing = float((piece.sum((1, 2)) - (after - before)).abs().sum())
        if missing <= tolerance * total * (high - low):
            attributions += piece
            continue
        if depth == DEEPEST:
            raise Undefined(
                f"the attributions between masks of {low:.5f} and {high:.5f} still miss {missing / total:.1e} of the "
                f"total effect; allow tolerance={missing / total / (high - low):.0e}"
            )
        middle = (low + high) / 2
        value = run_at(context, middle).values.detach()
        intervals += [(low, middle, before, value, depth + 1), (middle, high, value, after, depth + 1)]
    return attributions


def _by_wires(context: Context, run: Uniform, differences: Differences) -> Attributions:
    """The gradient with respect to the mask of every wire, for stores that differ by ``differences``."""
    live, attributions = context.live, _zeros(context)
    for readers, gradient in gradients(run):
        before = live.before(readers[0].layer, readers[0].side)
        columns = [live.place_of_reader[reader] for reader in readers]
        attributions[:, :before, columns] = by_wire(gradient, differences[:, :before])
    return attributions


def _zeros(context: Context) -> Attributions:
    return context.base.final.new_zeros(len(context.pairs), *context.live.exists.shape)
