"""The article's open puzzle: a head of the first layer that the induction heads' Q and K are aligned with, and why?"""

from loadstore.figures.subject.story import Story
from loadstore.figures.wires.pieces import LEVEL, wire
from loadstore.sites import Head, Side


def puzzling_head(story: Story) -> tuple[Head, Side] | None:
    """The head, the previous-token head aside, best aligned with the Q or K of the induction head; None if none is.

    In the article this is L0.H4. Only alignments above chance count (p < .01 after Bonferroni over the wires asked).
    """
    reader = story.candidate
    if reader is None:
        return None
    heads = [h for h in story.weights.architecture.heads if h.layer < reader.layer and h != story.previous]
    sides: tuple[Side, ...] = ("Q", "K")
    wires: list[tuple[float, Head, Side]] = [
        (wire(story.scores, str(head), reader, side), head, side) for head in heads for side in sides
    ]
    above: list[tuple[float, Head, Side]] = [
        (alignment, head, side)
        for alignment, head, side in wires
        if alignment > 0 and wire(story.scores, str(head), reader, side, "p") < LEVEL / len(wires)
    ]
    best = max(above, key=lambda found: found[0], default=None)
    return None if best is None else (best[1], best[2])
