"""The section of a report on the circuit of a task: pairs, F by size, picture, program, and the six numbers."""

from collections.abc import Callable
from typing import TypeAlias

from loadstore.circuits.band import random_band
from loadstore.circuits.curve import SIZES
from loadstore.circuits.discovered import AtLeast, How, discover
from loadstore.circuits.measured import measured
from loadstore.circuits.program import roles_of
from loadstore.circuits.program_text import program_of
from loadstore.circuits.prove import prove
from loadstore.circuits.task import Task
from loadstore.figures.circuits.found import attribution_figure, circuit_figure, task_figure
from loadstore.figures.circuits.measured import curve_figure, proof_figure
from loadstore.figures.picture.pictured import picture
from loadstore.views.figures import Section

Show: TypeAlias = Callable[[str, float], None]
BAND = 4  # random circuits of each size
SAMPLED, NULL = 30, 200  # removals in the proof
LOADS = 30  # loads in the picture
FOUND, COMPARED = 0.4, 0.5  # shares of the work done after finding the circuit, and after random circuits


def task_section(task: Task, controls: int = 20, show: Show | None = None) -> Section:
    """Find the circuit of a task, draw it and prove it.

    Args:
        task: The task.
        controls: The number of random circuits in the proof.
        show: Called with the name of a step and the expected share of the whole work that is done.

    Returns:
        The section. F by size is measured on the *choose* pairs, everything else on the *judge* pairs.

    Raises:
        Undefined: The model does not solve the task.
        BadRequest: No size reaches F = .85, or the metric does not change.
    """
    tell = (lambda name, share: None) if show is None else show
    discovered = discover(task, How(AtLeast()), lambda name, share: tell(name, FOUND * share))
    choose, judge = measured(task.choose), measured(task.judge)
    band = random_band(
        discovered.ranked,
        choose,
        SIZES,
        controls=BAND,
        progress=lambda done, of: tell("random circuits", FOUND + (COMPARED - FOUND) * done / of),
    )
    roles = roles_of(task.model)
    drawn = picture(discovered.circuit, judge, top=LOADS, roles=roles)
    proof = prove(
        discovered.circuit,
        task.judge,
        controls=controls,
        find=task.find,
        sampled=SAMPLED,
        null=NULL,
        progress=lambda name, number, of, share: tell(name, COMPARED + (1 - COMPARED) * share),
    )
    shown = program_of(discovered.circuit.wires, discovered.circuit.attributions, roles)
    return Section(
        id="task",
        title=f"The circuit of {task.name}",
        lead=f"{discovered.solved}. A circuit is a set of wires; all others carry the counterfactual prompt's stores.",
        figures=(
            circuit_figure(discovered.circuit, shown, discovered.shown_faithfulness, drawn),
            curve_figure(discovered.curve, band),
            proof_figure(proof),
            attribution_figure(discovered.ranked),
            task_figure(task),
        ),
    )
