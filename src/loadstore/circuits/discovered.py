"""Discovers the circuit of a task: rank on *find*, size on *choose*, measure on *judge*."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from loadstore.circuits.attribution import attribute_pairs
from loadstore.circuits.circuit import Circuit, first
from loadstore.circuits.curve import ENOUGH, SIZES, curve_on
from loadstore.circuits.faithfulness import faithfulness_on
from loadstore.circuits.measured import Measured, measured
from loadstore.circuits.methods import Method
from loadstore.circuits.program import program_and_f
from loadstore.circuits.program_text import Program
from loadstore.circuits.ranking import count_of, ranking
from loadstore.circuits.reads import Norms
from loadstore.circuits.replaced import Ablation
from loadstore.circuits.smallest import smallest_on
from loadstore.circuits.solved import Solved, require_solved
from loadstore.circuits.task import Task
from loadstore.errors import BadRequest
from loadstore.quote import quote

if TYPE_CHECKING:
    import xarray as xr

By: TypeAlias = Literal["paths", "attribution", "signed", "positive"]
Show: TypeAlias = Callable[[str, float], None]
STEPS = {  # the expected share of the work
    "is it solved?": 0.05,
    "attributions": 0.42,
    "size": 0.18,
    "faithfulness": 0.13,
    "curve": 0.15,
    "program": 0.07,
}


@dataclass(frozen=True, eq=False)
class How:
    """The settings of a discovery; the defaults are those of the command.

    Args:
        size: A share, a count, or the required faithfulness on *choose*.
        method: As in ``ls.attribute``.
        by: As in ``ls.circuit``.
        points: As in ``ls.attribute``.
        ablation: As in ``ls.attribute``, for all steps.
        norms: As in ``ls.attribute``, for all steps.
    """

    size: "float | int | AtLeast"
    method: Method = "mask"
    by: By = "paths"
    points: int = 5
    ablation: Ablation = "counterfactual"
    norms: Norms = "free"


@dataclass(frozen=True)
class AtLeast:
    """The smallest size with at least this faithfulness."""

    faithfulness: float = ENOUGH


@dataclass(frozen=True, eq=False)
class Discovered:
    """A circuit with all of its measurements.

    Args:
        task: The task.
        solved: The metric of the model on the task.
        ranked: The attributions of all wires, on *find*.
        circuit: The circuit.
        measures: Its faithfulness, on *judge*.
        curve: F of the ranking at every size, on *choose*.
        program: The text of the program, with F on *judge*.
        shown: The loads that the program shows.
        shown_faithfulness: F of exactly the wires of these loads.
    """

    task: Task
    solved: Solved
    ranked: "xr.Dataset"
    circuit: Circuit
    measures: "xr.Dataset"
    curve: "xr.Dataset"
    program: str
    shown: Program
    shown_faithfulness: float


def discover(task: Task, how: How, show: Show | None = None) -> Discovered:
    """Find, size and measure the circuit of a task.

    Args:
        task: The task.
        how: The size and the method.
        show: Called with the name of a step and the expected share of the whole work done so far.

    Raises:
        Undefined: The model does not solve the task.
        BadRequest: No circuit reaches the size, or the metric does not change.
    """
    tell = _Steps(show)
    solved = require_solved(task)
    tell.next()
    settings = (how.method, how.points, None, how.ablation, how.norms, tell.within)
    ranked = attribute_pairs(task.find, task.name, *settings).assign_attrs(task_pairs=len(task.clean), seed=task.seed)
    tell.next()
    choose = measured(task.choose, how.ablation, how.norms)
    circuit = _sized(ranked, choose, how, tell.within)
    tell.next()
    judge = measured(task.judge, how.ablation, how.norms)
    tell.within(1, 3)
    measures = faithfulness_on(circuit, judge, how.ablation, how.norms)
    tell.next()
    every = curve_on(ranked, choose, SIZES, how.by, tell.within)
    tell.next()
    text, shown, f = program_and_f(circuit, judge)
    assert f is not None
    return Discovered(task, solved, ranked, circuit, measures, every, text, shown, f)


def size_from(text: str) -> float | int | AtLeast:
    """Read ``.01`` (a share), ``100`` (a count) or ``F>=.85``. Raises BadRequest."""
    if match := re.fullmatch(r"\s*F\s*>=\s*(\d*\.?\d+)\s*", text):
        return AtLeast(float(match[1]))
    if re.fullmatch(r"\d{1,12}", text):
        return int(text)
    if re.fullmatch(r"\d{0,3}\.\d{1,20}", text):
        return float(text)
    raise BadRequest(f"size={quote(repr(text), 40)}: expected a share such as .01, a count such as 100, or 'F>=.85'")


def _sized(ranked: "xr.Dataset", choose: Measured, how: How, progress: Callable[[int, int], None]) -> Circuit:
    if isinstance(how.size, AtLeast):
        return smallest_on(ranked, choose, how.size.faithfulness, how.by, progress)
    order = ranking(ranked, how.by)
    return first(ranked, order, count_of(how.size, len(order)), how.by)


class _Steps:
    """Tracks the expected share of the work that is done."""

    def __init__(self, show: Show | None) -> None:
        self.show, self.names, self.at, self.before = show, list(STEPS), 0, 0.0
        self.within(0, 1)

    def next(self) -> None:
        """Begin the next step."""
        self.before += STEPS[self.names[self.at]]
        self.at += 1
        self.within(0, 1)

    def within(self, done: int, of: int) -> None:
        """Report progress within the current step."""
        name = self.names[self.at]
        if self.show is not None:
            self.show(name, self.before + STEPS[name] * done / max(1, of))
