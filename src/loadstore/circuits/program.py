"""The program of a circuit, with the faithfulness of exactly the wires it shows."""

from loadstore.circuits.circuit import Circuit, mask_of
from loadstore.circuits.digests import check_model
from loadstore.circuits.measured import Measured, measured
from loadstore.circuits.pairs import Pairs
from loadstore.circuits.program_text import MOST, Program, lines_of, program_of, summary_of, title_of
from loadstore.circuits.reads import Norms
from loadstore.errors import BadRequest
from loadstore.heads.roles import measured_roles, strongest_role
from loadstore.model.weights import Weights


def program(circuit: Circuit, on: Measured | Pairs | None = None, most: int = MOST) -> str:
    """Write a circuit as loads: heads by layer and role, MLPs in bands.

    Args:
        circuit: The circuit.
        on: Pairs for F; their model also gives the roles of heads. Without pairs, the text has neither.
        most: The maximum number of lines, at least 3; the weakest loads are left out.

    Returns:
        The text. Percentages are shares of the circuit's total |attribution|. The last line gives the number of wires
        shown, their share, and F of exactly these wires.

    Raises:
        BadRequest: ``most`` is less than three.
        NotThisModel: The pairs are of another model.
    """
    return program_and_f(circuit, on, most)[0]


def program_and_f(
    circuit: Circuit, on: Measured | Pairs | None = None, most: int = MOST
) -> tuple[str, Program, float | None]:
    """Like ``program``, also with the loads shown and their F (None without pairs)."""
    if most < 3:
        raise BadRequest(f"most={most}: expected at least three lines: a title, a load and a summary")
    if isinstance(on, Pairs):
        on = measured(on, "mean" if circuit.ablation == "mean" else "counterfactual", norms_of(circuit))
    roles: dict[str, str] = {}
    if on is not None:
        check_model(circuit.model, circuit.model_digest, on.pairs.model)
        roles = roles_of(on.pairs.model)
    shown = program_of(circuit.wires, circuit.attributions, roles, most)
    f = None if on is None else on.faithfulness(mask_of(on.live, [circuit.wires[index] for index in shown.wires]))
    facts = (circuit.task, circuit.model, len(circuit), circuit.live, circuit.method)
    text = "\n".join([title_of(*facts, attributed=shown.attributed), *lines_of(shown), summary_of(shown, f)])
    return text, shown, f


def norms_of(circuit: Circuit) -> Norms:
    """The norm scales with which the circuit was found."""
    return "frozen" if circuit.norms == "frozen" else "free"


def roles_of(weights: Weights) -> dict[str, str]:
    """The strongest role of each head that has one, measured on random repeats; empty if those do not fit."""
    try:
        return strongest_role(measured_roles(weights))
    except BadRequest:
        return {}
