"""What an item of a sweep costs on one thread: operations, and the seconds and memory that they take.

seconds = fixed + calls · a small constant + SLACK · operations/rate. The constants were measured on random models of
1 to 12 layers, the built-in model and SmolLM2.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from loadstore.circuits.tasks.table import TASKS
from loadstore.estimates import PAIRS, REPEATS, calls_of
from loadstore.model.architecture import Architecture
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


def cost_of(weights: Weights, analysis: str, options: Mapping[str, Value], parts: int = 1) -> Cost:
    """The cost of an analysis of a model, or of one of the equal ``parts`` that it is divided into."""
    shape, times = weights.architecture, _times(analysis, options)
    fixed, site, slack = CONSTANTS[analysis]
    small = (fixed + site * _sites(shape, analysis)) * times
    if analysis == "spectrum":
        # the Gram matrix of the embedding, and its eigenvalues
        operations = 2.0 * shape.vocab * shape.d_model**2 + 10.0 * shape.d_model**3
        return Cost(operations * times, small, slack, 3.0 * shape.d_model**2 * 8 + shape.vocab * shape.d_model * 8)
    longest = calls_of(weights, COMMANDS[analysis])[-1]
    return Cost(longest.operations * times / parts, small / parts, slack, longest.memory)


def _times(analysis: str, options: Mapping[str, Value]) -> float:
    """How many times as much the options ask for as the defaults do."""
    asked = {name: float(value) if isinstance(value, int) else float(len(value)) for name, value in options.items()}
    if analysis == "heads":
        return asked["sequences"] / REPEATS
    if analysis == "tasks":
        return asked["tasks"] / len(TASKS) * asked["pairs"] / PAIRS
    return asked["writers"] if analysis == "spectrum" else 1.0


def _sites(shape: Architecture, analysis: str) -> int:
    """What the small operations of an analysis are counted by: pairs of layers for scores, else layers."""
    return shape.n_layers**2 if analysis == "scores" else shape.n_layers


CONSTANTS = {  # seconds, seconds a layer (or pair of layers), slack
    "scores": (0.02, 0.002, 1.5),
    "heads": (0.02, 0.01, 1.5),
    "spectrum": (0.01, 0.0, 1.5),
    "traffic": (0.2, 0.02, 1.5),
    "tasks": (0.2, 0.01, 1.5),
}
