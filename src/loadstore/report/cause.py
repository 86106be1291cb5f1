"""The proof behind figure 15: cut the K wire, and the twenty other wires nearest in traffic."""

from loadstore.errors import Undefined
from loadstore.evidence.effect import CutProof, WireEffect, induction_circuit, prove_wire
from loadstore.report.story import Story
from loadstore.report.words import number
from loadstore.sites import Head
from loadstore.views.model import Figure, figure, reading, table

TITLE = "Does it matter? Cut the wire"
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
    except Undefined as reason:
        return [figure("Proof", TITLE, f"The cut of {story.previous} → {head}.K was not compared: {reason}.", [])]
    return [proof_figure(story, head, proof)]


def proof_figure(story: Story, head: Head, proof: CutProof) -> Figure:
    """The table of a proof, and what it shows."""
    worst = min(control.induction for control in proof.controls)
    loads = sorted(control.traffic for control in proof.controls)
    quieter = "; no control carries as much" if loads[-1] < proof.cut.traffic else ""
    verdict = "lower than" if proof.beyond_all_controls else "not lower than"
    count = len(proof.controls)
    others = "the one control does (it" if count == 1 else f"each of {count} controls does (the lowest"
    rows = [_row(effect) for effect in (proof.cut, *proof.controls)]
    claim = (
        f"Cutting {story.previous} from the K of {head} takes its induction score from {number(proof.intact)} to "
        f"{number(proof.cut.induction)}, {verdict} {others} leaves {number(worst)}). The "
        f"wire carries {number(proof.cut.traffic)} nats, the controls, the nearest in traffic, "
        f"{number(loads[0])} to {number(loads[-1])}{quieter}."
    )
    return figure(
        "Proof",
        TITLE,
        claim,
        [table("The wire, and the controls nearest in traffic", COLUMNS, rows)],
        reading(
            "Cut: the writer's store less its mean is removed from one input of one head, on "
            f"{proof.sequences} random repeats. Traffic: the standard deviation, within a query's row, of the scores "
            "that the writer accounts for. Controls: Q and K wires of this head and of lower layers, without those "
            "of the circuit."
        ),
    )


def _row(effect: WireEffect) -> list[str | float]:
    return [effect.writer, effect.reader, effect.traffic, effect.induction, effect.pattern_change]
