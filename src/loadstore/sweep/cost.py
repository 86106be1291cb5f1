"""What an item of a sweep costs on one thread: operations, and the seconds and memory that they take.

seconds = those of small operations, by layers and heads, + slack · operations/rate. The constants were measured on
random models of 1 to 12 layers, the built-in model and SmolLM2 (benchmarks/scale.py, docs/beyond-one-machine.md).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from loadstore.circuits.tasks.table import TASKS
from loadstore.estimates import PAIRS, REPEATS, SPECTRA, calls_of, cubes
from loadstore.model.weights import Weights
from loadstore.sweep.options import Value


@dataclass(frozen=True, slots=True)
class Cost:
    """What an item costs.

    Args:
        operations: Floating-point operations.
        fixed: Seconds besides them.
        slack: Time of its operations over that of one large product with as many.
        memory: Bytes above the weights.
    """

    operations: float
    fixed: float
    slack: float
    memory: float

    def seconds(self, rate: float) -> float:
        """Seconds of one thread at a rate of operations per second."""
        return self.fixed + self.slack * self.operations / rate


COMMANDS = {"scores": "scores", "heads": "heads", "traffic": "maps", "tasks": "tasks"}  # with an estimate
CONSTANTS = {  # measured: seconds, seconds a layer, a head and a pair of layers, slack
    "scores": (0.01, 0.0, 0.007, 0.0, 0.55),
    "heads": (0.01, 0.05, 0.0, 0.0, 1.0),
    "spectrum": (0.002, 0.0, 0.0, 0.0, 2.6),
    "traffic": (0.2, 0.0, 0.0, 0.1, 4.0),
    "tasks": (0.05, 0.01, 0.0, 0.0, 0.85),
}


def cost_of(weights: Weights, analysis: str, options: Mapping[str, Value], parts: int = 1) -> Cost:
    """The cost of an analysis of a model, or of one of the equal ``parts`` that it is divided into."""
    shape, times = weights.architecture, _times(weights, analysis, options)
    fixed, layer, head, pair, slack = CONSTANTS[analysis]
    a_layer = layer + head * shape.n_heads + pair * shape.n_layers
    small = (fixed + a_layer * shape.n_layers) * times / parts
    if analysis == "spectrum":
        # the Gram matrix of the embedding, and its eigenvalues
        operations = 2.0 * shape.vocab * shape.d_model**2 + SPECTRA * shape.d_model**3
        return Cost(operations * times, small, slack, 8.0 * shape.d_model * (3.0 * shape.d_model + shape.vocab))
    longest = calls_of(weights, COMMANDS[analysis])[-1]
    again = SPECTRA * cubes(shape) if analysis == "scores" else 0.0  # in every tile
    return Cost((longest.operations - again) * times / parts + again, small, slack, longest.memory)


def _times(weights: Weights, analysis: str, options: Mapping[str, Value]) -> float:
    """How many times as much the options ask for as the defaults do."""
    asked = {name: float(value) if isinstance(value, int) else float(len(value)) for name, value in options.items()}
    if analysis == "heads":
        return asked["sequences"] / REPEATS
    if analysis == "tasks":
        possible = 1.0 if weights.tokens is None else asked["tasks"]  # ids alone allow induction
        return possible / len(TASKS) * asked["pairs"] / PAIRS
    return asked["writers"] if analysis == "spectrum" else 1.0
