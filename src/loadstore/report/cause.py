"""The proof behind figure 15: cut the K wire, and twenty others that carry as much."""

from loadstore.errors import Undefined
from loadstore.evidence.effect import CutProof, WireEffect, induction_circuit, prove_wire
from loadstore.report.story import Story
from loadstore.report.words import number
from loadstore.sites import Head
from loadstore.views.model import Figure, figure, reading, table

COLUMNS = (
    ("writer", "writer", None),
    ("reader", "reader", None),
    ("traffic", "traffic (nats)", 2),
    ("induction", "induction score with it cut", 2),
    ("change", "change of its own reader's pattern", 2),
)


def cause_figures(story: Story) -> list[Figure]:
    """One figure if the model has an induction head with a previous-token head below it; else none."""
    if not story.induction or not story.is_previous:
        return []
    head = story.induction[0]
    try:
        proof = prove_wire(
            story.weights, story.previous, head, apart=induction_circuit(story.previous, story.induction), sequences=4
        )
    except Undefined:
        return []
    return [_figure(story, head, proof)]


def _figure(story: Story, head: Head, proof: CutProof) -> Figure:
    worst = min(control.induction for control in proof.controls)
    loads = sorted(control.traffic for control in proof.controls)
    verdict = "lower than" if proof.beyond_all_controls else "not lower than"
    claim = (
        f"Cutting {story.previous} from the K of {head} takes its induction score from {number(proof.intact)} to "
        f"{number(proof.cut.induction)}, {verdict} each of {len(proof.controls)} controls does (the lowest leaves "
        f"{number(worst)}). The wire carries {number(proof.cut.traffic)} nats, the controls, which are the nearest in "
        f"traffic, {number(loads[0])} to {number(loads[-1])}."
    )
    return figure(
        "Proof",
        "Does it matter? Cut the wire",
        claim,
        [table("The wire, and controls matched for traffic", COLUMNS, [_row(proof.cut), *map(_row, proof.controls)])],
        reading(
            "Cut: the writer's store less its mean is removed from one input of one head, on "
            f"{proof.sequences} random repeats. Traffic: the standard deviation, within a query's row, of the scores "
            "that the writer accounts for. Controls: Q and K wires of the whole model that are no part of the circuit."
        ),
    )


def _row(effect: WireEffect) -> list[str | float]:
    return [effect.writer, effect.reader, effect.traffic, effect.induction, effect.pattern_change]
