"""Figure 7: the subspace score, on one wire that is aligned and one that is not."""

import numpy as np
import torch

from loadstore.report.nothing import LeftOut
from loadstore.report.story import Story
from loadstore.report.wires import wire
from loadstore.report.words import number, size
from loadstore.scores.measures import DECIMALS, DETAILS
from loadstore.scores.overlap import Overlap, overlap
from loadstore.sites import Head, Side
from loadstore.views.model import Figure, View, figure, heatmap, lines, panel, reading, rule, series, table
from loadstore.views.pictures import formula, term

TITLE = "The subspace score"
SHOWN = 8  # directions of each side that are drawn


def score_figure(story: Story) -> Figure | LeftOut:
    """The best aligned writer of one reader, and the writer nearest to chance."""
    head, side = _reader(story)
    reader = f"{head}.{side}"
    column = story.scores.alignment.sel(reader=reader).dropna("writer")
    if not column.size:
        reason = f"No writer has a defined alignment with {reader}: what one of the two does is zero, or has no shape."
        return LeftOut("7", TITLE, reason)
    ranked = [str(name) for name in column.sortby(column, ascending=False)["writer"].values]
    plain = str(abs(column)["writer"].values[int(np.argmin(np.abs(column.values)))])
    chosen = list(dict.fromkeys([ranked[0], plain]))
    wires = [overlap(story.weights, writer, reader) for writer in chosen]
    held = " and ".join(f"{number(100 * one.held_by(SHOWN), 0)} %" for one in wires)
    parts = [
        f"{writer} scores {number(wire(story.scores, writer, head, side, 'score'), 3)} with {reader}: alignment "
        f"{number(wire(story.scores, writer, head, side))}, z {number(wire(story.scores, writer, head, side, 'z'), 0)}"
        for writer in chosen
    ]
    chance = number(wire(story.scores, chosen[0], head, side, "chance"), 3)
    return figure(
        "7",
        TITLE,
        f"{'. '.join(parts)}. Chance is {chance}"
        + (" for both; their ceilings differ with their spectra." if len(parts) > 1 else ", whatever the spectra."),
        [_formula(story, chosen[0], reader), _cosines(wires), _null(wires), _numbers(story, chosen, head, side)],
        reading(
            "The squared score is a mean of squared cosines between directions written and directions read, weighted "
            f"by the squares of their strengths. The strongest of each side, {SHOWN} at most, are drawn; they hold "
            f"{held} of it. Curves: the score under a random rotation between the two (two moments exact, the shape a "
            "Gamma)." + story.averaged
        ),
    )


def _reader(story: Story) -> tuple[Head, Side]:
    return (story.previous, "Q") if story.candidate is None else (story.candidate, "K")


def _formula(story: Story, writer: str, reader: str) -> View:
    d, e = story.weights.architecture.d_model, story.weights.architecture.d_head
    a, b = term("A", shape=(d, d)), term("B", shape=(d, d))
    if writer == "embed":
        a = term("A", shape=(story.weights.architecture.vocab, d))
    if writer == "pos":
        a = term("A", shape=(story.weights.architecture.context, d))
    terms = [term("score", kind="word"), term("= ‖"), a, b, term("‖ / ( ‖"), a, term("‖ · ‖"), b, term("‖ )")]
    constant = f"the constant that {writer.removesuffix('.bias')} adds, rank 1"
    written = {"embed": "W_E", "pos": "W_pos"}.get(writer, f"W_OV of {writer}, rank {e}")
    written = constant if writer.endswith(".bias") else written
    read = {"Q": "W_QK", "K": "W_QKᵀ", "V": "W_OV"}[reader[-1]]
    return formula(
        "What is measured",
        [
            (
                "subspace score",
                terms,
                f"A = {written}: what {writer} writes; B = {read} of {reader[:-2]}: what {reader} reads",
            )
        ],
    )


def _cosines(wires: list[Overlap]) -> View:
    rows = [f"{i + 1}" for i in range(min(SHOWN, *(len(w.written) for w in wires)))]
    columns = [f"{j + 1}" for j in range(min(SHOWN, *(len(w.read) for w in wires)))]
    panels = []
    for one in wires:
        cosines = one.cosines[: len(rows), : len(columns)].abs()
        weight = one.written[: len(rows), None].square() * one.read[None, : len(columns)].square()
        share = weight * cosines.square() / one.squared
        panels.append(panel(f"{one.writer} → {one.reader}", cosines, None, {"share of the squared score": share}))
    return heatmap(
        "Cosines between the strongest directions written and read",
        ("written", rows),
        ("read", columns),
        panels,
        scale=("sequential", 0.0, 1.0, "|cosine|"),
    )


def _null(wires: list[Overlap]) -> View:
    scores = [(one.squared / float(one.chance.norms)) ** 0.5 for one in wires]
    chance = float(wires[0].chance.chance())
    grid = torch.linspace(0, max([*scores, 2 * chance]) * 1.1, 400, dtype=torch.float64)
    drawn = [series(f"{one.writer}, rotated", grid, one.chance.density(grid)) for one in wires]
    rules = [rule("x", chance, "chance")]
    rules += [rule("x", score, one.writer) for one, score in zip(wires, scores, strict=True)]
    return lines(
        f"The null, and where the {'wire is' if len(wires) == 1 else 'two wires are'}",
        ("score", "score", "linear"),
        ("density", "density", "linear"),
        drawn,
        rules,
    )


def _numbers(story: Story, writers: list[str], head: Head, side: Side) -> View:
    columns = [("wire", "wire", None), *((name, name, DECIMALS[name]) for name in DETAILS)]
    rows: list[list[str | float]] = []
    for writer in writers:
        values = {name: wire(story.scores, writer, head, side, name) for name in DETAILS}
        rows.append(
            [f"{writer} → {head}.{side}", *(size(v) if DECIMALS[name] is None else v for name, v in values.items())]
        )
    return table(f"The numbers of {'the wire' if len(rows) == 1 else 'both wires'}", columns, rows)
