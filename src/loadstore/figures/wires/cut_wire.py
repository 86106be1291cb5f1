"""The proof of an induction head's K wire: its cut, compared with cuts of the K wires nearest in traffic."""

from loadstore.causal.proof import CutProof, WireEffect
from loadstore.errors import Undefined
from loadstore.figures.left_out import CHANGE, LeftOut, shows
from loadstore.figures.subject.story import Story
from loadstore.figures.words import number
from loadstore.scores.measures import DECIMALS, UNITS
from loadstore.sites import Head
from loadstore.views.dots import Dot, dot, dots
from loadstore.views.model import Figure, View, figure, reading, table
from loadstore.views.sums import switch

TITLE = "Does it matter? Cut the wire"
COLUMNS = (
    ("writer", "writer", None),
    ("reader", "reader", None),
    ("traffic", f"traffic ({UNITS['K']})", DECIMALS["traffic"]),
    ("induction", "induction score with it cut", 2),
    ("prediction", "probability of the next token", 3),
    ("change", "change of the reader's pattern", 2),
)


def cause_figures(story: Story) -> list[Figure | LeftOut]:
    """One figure if the model has an induction head with a previous-token head below it; otherwise none."""
    if not story.induction or not story.is_previous:
        return []
    head = story.induction[0]
    try:
        proof = story.proof
    except Undefined as reason:
        return [LeftOut("Proof", TITLE, f"The cut of {story.previous} → {head}.K was not compared: {reason}.")]
    return [proof_figure(story, head, proof)]


def proof_figure(story: Story, head: Head, proof: CutProof) -> Figure | LeftOut:
    """The table of a proof, and its result; left out if the cut changes nothing."""
    name = f"{story.previous} → {head}.K"
    if not shows((proof.intact, proof.cut.induction), (proof.predicted, proof.cut.prediction)):
        reason = f"Cutting {name} changes attention and prediction on random repeats by less than {number(CHANGE)}."
        return LeftOut("Proof", TITLE, reason)
    loads = sorted(control.traffic for control in proof.controls)
    quieter = "; none carries as much" if loads[-1] < proof.cut.traffic else ""
    count = len(proof.controls)
    others = "the one control moves it" if count == 1 else f"any of {count} controls moves it"
    moved = [
        max(abs(getattr(control, what) - before) for control in proof.controls)
        for what, before in (("induction", proof.intact), ("prediction", proof.predicted))
    ]
    beyond = [proof.beyond_all_controls, proof.prediction_beyond]
    further = [
        f"{'further' if is_further else 'not further'} than {others} ({number(most)}{'' if count == 1 else ' at most'})"
        for is_further, most in zip(beyond, moved, strict=True)
    ]
    rows = [_row(effect) for effect in (proof.cut, *proof.controls)]
    claim = (
        f"On random repeats, cutting {name} takes the induction score of {head} from {number(proof.intact)} to "
        f"{number(proof.cut.induction)}, {further[0]}. The probability of the next token goes from "
        f"{number(proof.predicted)} to {number(proof.cut.prediction)}, {further[1]}. {_verdict(proof)} The "
        f"wire carries {number(proof.cut.traffic)} nats; the controls, which are the K wires nearest in traffic, carry "
        f"{number(loads[0])} to {number(loads[-1])}{quieter}."
    )
    return figure(
        "Proof",
        TITLE,
        claim,
        [
            switch(
                "The cut and its controls",
                "Shown",
                [
                    ("the cut beside its controls", [_plot(proof)]),
                    ("every control", [table("The wire, and the controls nearest in traffic", COLUMNS, rows)]),
                ],
            )
        ],
        reading(
            f"Cut: the writer's store minus its mean is removed from one input of one head, on {proof.sequences} "
            "random repeats. Traffic: the standard deviation, within a query's row, of the scores that the writer "
            "accounts for. Controls: other K wires of this head, and of lower layers if it has too few, without those "
            "of the circuit."
        ),
    )


def _plot(proof: CutProof) -> View:
    """Both numbers, intact and with the wire cut, with controls as thin lines."""
    rows: list[Dot] = []
    for name, what, before in (
        ("induction score", "induction", proof.intact),
        ("p of the next token", "prediction", proof.predicted),
    ):
        others = [float(getattr(control, what)) for control in proof.controls]
        rows.append(dot(f"{name}, intact", before))
        rows.append(dot(f"{name}, wire cut", float(getattr(proof.cut, what)), None, others, strong=True))
    return dots(
        "The cut beside its controls",
        "attention or probability, mean over repeats",
        rows,
        others=f"the same with each of {len(proof.controls)} other K wires cut",
        rules=[(0.0, "")],
    )


def _verdict(proof: CutProof) -> str:
    """The sentence that the criterion of a collapse supports."""
    if proof.collapses:
        return "Attention and prediction both need this wire."
    if proof.beyond_all_controls:
        return "The head needs this wire for its attention; the prediction cannot be shown to need it."
    return "This wire cannot be shown to carry the address."


def _row(effect: WireEffect) -> list[str | float]:
    return [effect.writer, effect.reader, effect.traffic, effect.induction, effect.prediction, effect.pattern_change]
