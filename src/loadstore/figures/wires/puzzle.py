"""The article's open puzzle: another head, besides the previous-token head, that the induction head's Q or K reads."""

from dataclasses import dataclass

from loadstore.errors import Undefined
from loadstore.figures.subject.story import Story
from loadstore.figures.wires.pieces import LEVEL, wire
from loadstore.sites import Head, Side


@dataclass(frozen=True, slots=True)
class Puzzle:
    """An unexplained wire.

    Args:
        head: The head that writes it.
        side: The side of the induction head that loads it.
        traffic: Its traffic on text, in nats.
    """

    head: Head
    side: Side
    traffic: float


def puzzle(story: Story) -> Puzzle | None:
    """The head with the most traffic into the Q or K of the induction head, other than the previous-token head.

    In the article this is L0.H4: "I wonder what this head is doing!" Only wires aligned above chance count (p < .01
    after Bonferroni over the wires tested). Traffic ranks them, because an aligned wire can carry nothing.

    Returns:
        The wire with the most traffic; None if no wire is aligned above chance, or no text can be read.
    """
    reader = story.candidate
    if reader is None:
        return None
    heads = [h for h in story.weights.architecture.heads if h.layer < reader.layer and h != story.previous]
    sides: tuple[Side, ...] = ("Q", "K")
    wires: list[tuple[Head, Side]] = [(head, side) for head in heads for side in sides]
    above: list[tuple[Head, Side]] = [
        (head, side)
        for head, side in wires
        if wire(story.scores, str(head), reader, side) > 0
        and wire(story.scores, str(head), reader, side, "p") < LEVEL / len(wires)
    ]
    if not above:
        return None
    try:
        carried = story.loads([f"{reader}.{side}" for side in sides])
    except Undefined:
        return None
    return max(
        (Puzzle(head, side, wire(carried, str(head), reader, side, "traffic")) for head, side in above),
        key=lambda candidate: candidate.traffic,
    )
