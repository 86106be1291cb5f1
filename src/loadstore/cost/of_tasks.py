"""What tasks, circuits and their proofs cost."""

from loadstore.cost.layers import WIDE, site_wires
from loadstore.cost.of_wires import PROMPT
from loadstore.cost.passes import AGAIN, run
from loadstore.cost.work import Work
from loadstore.model.architecture import Architecture

TASKS, PAIRS = 9, 64  # generated tasks, and pairs of each
POINTS = 5  # of the path from the counterfactual that a gradient is taken at
BACKWARD = 2.5  # a gradient over the pass that it goes back through
SIZES = 20  # of circuits that are tried
BATCH = 16  # pairs that run together


def solved(shape: Architecture, tokens: int, tasks: float | int = TASKS, pairs: float | int = PAIRS) -> Work:
    """Runs of both prompts of every pair."""
    return run(shape, tokens, tasks * pairs, BATCH)


def masked(shape: Architecture, pairs: float | int) -> Work:
    """A run of a circuit on some pairs, from the first token in which their prompts differ."""
    wires = 2.0 * PROMPT * shape.d_model * site_wires(shape)
    mixed = Work(pairs * wires, 0.0, WIDE * (site_wires(shape) + pairs * wires / shape.d_head))
    return (run(shape, PROMPT, pairs, BATCH) + mixed) * AGAIN


def attributed(shape: Architecture, pairs: float | int) -> Work:
    """Gradients of all wires by their masks, at each of the points of a path."""
    return (masked(shape, pairs) + run(shape, PROMPT, pairs, BATCH) * (AGAIN * BACKWARD)) * POINTS


def found(shape: Architecture) -> Work:
    """Attributions on the pairs for discovery, circuits of all sizes for selection, a few for evaluation."""
    return attributed(shape, 3 / 8 * PAIRS) + masked(shape, PAIRS / 8) * SIZES + masked(shape, PAIRS / 2) * 5


def proved(shape: Architecture) -> Work:
    """Random circuits and their complements, the loss of heads, and removals of single wires on eight pairs."""
    removals = run(shape, PROMPT, 8 * 2100, BATCH) * (0.25 * AGAIN)
    return masked(shape, PAIRS / 2) * (102 + 31) + removals + attributed(shape, 3 / 8 * PAIRS)
