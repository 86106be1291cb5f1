"""Runs a circuit: its wires carry the stores of this run, and all other wires carry the replacements.

    u_r = N(s′_r + Σ over wires w → r of the circuit (o_w − o′_w))

s′ and o′ are those of ``Replaced``. Readers without a wire of the circuit load the sum of the replacements, and readers
of everything that differs share one input; only the others need a sum of their own. Heads and MLPs are skipped if no
path of wires leads from them to the logits, or if they load nothing that differs. Theorems:
tests/circuits/test_masked.py; definition: design of circuits in docs/circuits.md.
"""

from collections.abc import Iterator, Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from loadstore.axes import Tokens
from loadstore.circuits.live import Live
from loadstore.circuits.passing import Passing
from loadstore.circuits.reads import Scales, free
from loadstore.circuits.replaced import Replaced
from loadstore.model.weights import Weights
from loadstore.threads import threads_for


def run_circuit(
    weights: Weights,
    live: Live,
    mask: Bool[Tensor, "writer reader"],
    tokens: Tokens,
    ends: Sequence[int],
    base: Replaced,
    scales: Scales = free,
) -> Float[Tensor, "batch vocab"]:
    """Return the logits after the last token of each prompt.

    Args:
        weights: The model.
        live: Its live wires.
        mask: Which of them are in the circuit.
        tokens: Token ids of the clean prompts.
        ends: The last token of each prompt.
        base: The replacements.
        scales: The scales of norms: ``free``, or ``frozen`` ones.
    """
    with torch.no_grad(), threads_for(0):
        run = Passing(weights, live, mask, tokens, ends, base, scales)
        return run.finished(0)


def run_without(
    weights: Weights,
    live: Live,
    mask: Bool[Tensor, "writer reader"],
    wires: Sequence[tuple[int, int]],
    tokens: Tokens,
    ends: Sequence[int],
    base: Replaced,
    scales: Scales = free,
) -> Iterator[tuple[int, Float[Tensor, "batch vocab"]]]:
    """Run a circuit without one wire at a time; the part before the wire's reader runs once.

    Args:
        weights: The model.
        live: Its live wires.
        mask: The circuit.
        wires: The wires to remove, each by its row and column.
        tokens: Token ids of the clean prompts.
        ends: The last token of each prompt.
        base: The replacements.
        scales: The scales of norms.

    Yields:
        The index of each wire in ``wires`` and the logits without it, in the order of the readers' layers.
    """
    depth = weights.architecture.n_layers
    with torch.no_grad(), threads_for(0):
        run = Passing(weights, live, mask, tokens, ends, base, scales)
        for index in range(depth + 1):
            for number, (row, column) in enumerate(wires):
                layer = live.readers[column].layer
                if (depth if layer < 0 else layer) == index:
                    yield number, run.without(row, column).finished(index)
            if index < depth:
                run.layer(index)
