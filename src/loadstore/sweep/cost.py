"""What an item of a sweep costs with its options, counted as every other analysis is (``loadstore.cost``)."""

from collections.abc import Mapping

from loadstore.circuits.tasks.table import TASKS
from loadstore.cost.of_tasks import PAIRS, solved
from loadstore.cost.of_weights import readers_of_scores, spectrum, wires_of_scores, writers_of_scores
from loadstore.cost.of_wires import PROMPT
from loadstore.cost.table import REPEATS, calls_of, roles_of, traffic
from loadstore.cost.work import Cost
from loadstore.model.weights import Weights
from loadstore.sweep.options import Value

COMMANDS = {"scores": "scores", "heads": "heads", "spectrum": "spectrum", "traffic": "maps", "tasks": "tasks"}


def cost_of(weights: Weights, analysis: str, options: Mapping[str, Value], parts: int = 1) -> Cost:
    """The cost of an analysis of a model, or of one of the equal ``parts`` that it is divided into."""
    shape, times = weights.architecture, _times(weights, analysis, options)
    if analysis == "scores":
        once = readers_of_scores(shape) + wires_of_scores(shape)
        work = writers_of_scores(shape) + once * (1 / parts)  # every tile makes all its writers anew
    else:
        whole = {
            "heads": roles_of(shape),
            "spectrum": spectrum(shape),
            "traffic": traffic(shape),
            "tasks": solved(shape, min(PROMPT, shape.context)),
        }
        work = whole[analysis] * (times / parts)
    memory = calls_of(weights, COMMANDS[analysis])[-1].cost.memory
    return Cost(work, memory + (8.0 * shape.d_model * shape.vocab if analysis == "spectrum" else 0.0))


def _times(weights: Weights, analysis: str, options: Mapping[str, Value]) -> float:
    """How many times as much the options ask for as the defaults do."""
    asked = {name: float(value) if isinstance(value, int) else float(len(value)) for name, value in options.items()}
    if analysis == "heads":
        return asked["sequences"] / REPEATS
    if analysis == "tasks":
        possible = 1.0 if weights.tokens is None else asked["tasks"]  # ids alone allow induction
        return possible / len(TASKS) * asked["pairs"] / PAIRS
    return asked["writers"] if analysis == "spectrum" else 1.0
