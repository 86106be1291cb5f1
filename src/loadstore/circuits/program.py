"""The program of a circuit, with the faithfulness of exactly the wires that it shows."""

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
        on: Pairs to measure F on, and whose model gives heads their roles; without them there is neither.
        most: Lines at most, 3 or more; the weakest loads are left out.

    Returns:
        The text. Percentages are shares of the circuit's total |attribution|. The last line has the number of wires
        that are shown, their share, and F of exactly these wires.

    Raises:
        BadRequest: Fewer than three lines.
        NotThisModel: Pairs of another model.
    """
    return program_and_f(circuit, on, most)[0]


def program_and_f(
    circuit: Circuit, on: Measured | Pairs | None = None, most: int = MOST
) -> tuple[str, Program, float | None]:
    """As ``program``, with the loads that are shown and their F (None without pairs)."""
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
    """Whose scales norms took where the circuit was found."""
    return "frozen" if circuit.norms == "frozen" else "free"


def roles_of(weights: Weights) -> dict[str, str]:
    """The strongest role of each head that has one, measured on random repeats; none where these do not fit."""
    try:
        return strongest_role(measured_roles(weights))
    except BadRequest:
        return {}
