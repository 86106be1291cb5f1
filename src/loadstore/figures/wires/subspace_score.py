"""The subspace score of one aligned and one unaligned wire."""

import numpy as np
import torch

from loadstore.figures.left_out import LeftOut
from loadstore.figures.subject.story import Story
from loadstore.figures.wires.pieces import wire
from loadstore.figures.words import number, size
from loadstore.scores.measures import DETAILS
from loadstore.scores.overlap import Overlap, overlap
from loadstore.sites import Head, Side, parse_reader, parse_writer
from loadstore.views.dots import Dot, dot, dots
from loadstore.views.model import Figure, View, figure, reading
from loadstore.views.pictures import formula, term

TITLE = "The subspace score"
SAID = ("alignment", "z", "p", "q")  # listed for a wire after its score
SMALL = ("p", "q")


def score_figure(story: Story) -> Figure | LeftOut:
    """The best aligned writer of one reader, and the writer closest to chance."""
    head, side = _reader(story)
    reader = f"{head}.{side}"
    column = story.scores.alignment.sel(reader=reader).dropna("writer")
    if not column.size:
        reason = f"No writer has a defined alignment with {reader}: what one of the two does is zero, or has no shape."
        return LeftOut("Score", TITLE, reason)
    ranked = [str(name) for name in column.sortby(column, ascending=False)["writer"].values]
    plain = str(abs(column)["writer"].values[int(np.argmin(np.abs(column.values)))])
    chosen = list(dict.fromkeys([ranked[0], plain]))
    wires = [overlap(story.weights, writer, reader) for writer in chosen]
    parts = [
        f"{writer} scores {number(wire(story.scores, writer, head, side, 'score'), 3)} with {reader}: alignment "
        f"{number(wire(story.scores, writer, head, side))}, z {number(wire(story.scores, writer, head, side, 'z'), 0)}"
        for writer in chosen
    ]
    chance = number(wire(story.scores, chosen[0], head, side, "chance"), 3)
    return figure(
        "Score",
        TITLE,
        f"{'. '.join(parts)}. Chance is {chance}"
        + (" for both; their ceilings differ with their spectra." if len(parts) > 1 else ", whatever the spectra."),
        [_formula(story, chosen[0], reader), _beside(story, wires, head, side)],
        reading(
            "The squared score is a mean of squared cosines between directions written and directions read, weighted "
            "by the squares of their strengths. Bars: the score under a random rotation between the two (two moments "
            "exact, the shape a Gamma)." + story.averaged
        ),
    )


def _reader(story: Story) -> tuple[Head, Side]:
    return (story.previous, "Q") if story.candidate is None else (story.candidate, "K")


def _formula(story: Story, writer: str, reader: str) -> View:
    d, e = story.weights.architecture.d_model, story.weights.architecture.d_head
    a, b = term("A", shape=(d, d)), term("B", shape=(d, d))
    site, target = parse_writer(writer), parse_reader(reader)
    if site.kind == "embed":
        a = term("A", shape=(story.weights.architecture.vocab, d))
    if site.kind == "pos":
        a = term("A", shape=(story.weights.architecture.context, d))
    terms = [term("score", kind="word"), term("= ‖"), a, b, term("‖ / ( ‖"), a, term("‖ · ‖"), b, term("‖ )")]
    constant = f"the constant that L{site.layer} adds, rank 1"
    written = {"embed": "W_E", "pos": "W_pos", "bias": constant}.get(site.kind, f"W_OV of {writer}, rank {e}")
    read = {"Q": "W_QK", "K": "W_QKᵀ", "V": "W_OV"}[target.head_side]
    return formula(
        "What is measured",
        [
            (
                "subspace score",
                terms,
                f"A = {written}: what {writer} writes; B = {read} of {target.head}: what {reader} reads",
            )
        ],
    )


def _beside(story: Story, wires: list[Overlap], head: Head, side: Side) -> View:
    """Scores as dots over the middle 95 % of their nulls, ceilings as thin lines."""
    rows: list[Dot] = []
    for pair in wires:
        values = {name: wire(story.scores, pair.writer, head, side, name) for name in DETAILS}
        said = ", ".join(f"{name} {size(values[name]) if name in SMALL else number(values[name])}" for name in SAID)
        rows.append(dot(f"{pair.writer} → {pair.reader}", values["score"], _middle(pair), [values["ceiling"]], said))
    chance = wire(story.scores, wires[0].writer, head, side, "chance")
    return dots(
        "Scores beside chance",
        "subspace score",
        rows,
        others="the ceiling, the most that the spectra allow; a bar is the middle 95 % under random rotations",
        rules=[(chance, "chance")],
        digits=3,
    )


def _middle(pair: Overlap) -> tuple[float, float] | None:
    """The middle 95 % of the null; None if it has no width."""
    grid = torch.linspace(0, 1, 4001, dtype=torch.float64) * max(1.0, 2 * float(pair.chance.chance()))
    mass = pair.chance.density(grid).nan_to_num(posinf=0.0).cumsum(0)
    if not float(mass[-1]) > 0:
        return None
    low, high = (float(grid[int((mass / mass[-1] < level).sum())]) for level in (0.025, 0.975))
    return low, high
