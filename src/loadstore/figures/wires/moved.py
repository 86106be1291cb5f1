"""The inputs that heads of layer 0 move, and the row of the article's figure that no signal takes."""

import numpy as np
from torch import Tensor

from loadstore.figures.subject.story import Story
from loadstore.figures.wires.pieces import OUTLINE, largest, layer_heads, side_panel, wire
from loadstore.figures.words import number
from loadstore.linear.factored import Factored
from loadstore.linear.subspace import subspace_score, writer_cores
from loadstore.model.ports import ov
from loadstore.model.wiring import wiring
from loadstore.sites import Head
from loadstore.views.model import Figure, figure, heatmap, panel, remark


def moved_figure(story: Story) -> Figure:
    """The alignment of embed and pos with every V of layer 0, and the raw product if pos has no wire."""
    heads, head = layer_heads(story.scores, 0), story.previous
    exists = "pos" in {str(w) for w in wiring(story.weights).writers_of(wiring(story.weights).reader(f"{head}.V"))}
    shortformer = story.weights.architecture.positions_bypass_norm
    by_embed = f"The V of {head} is aligned {number(wire(story.scores, 'embed', head, 'V'))} with embed"
    if exists:
        claim = f"{by_embed} and {number(wire(story.scores, 'pos', head, 'V'))} with pos."
    else:
        claim = f"{by_embed}. Positions never enter V here, so the token is all that it can move."
    measured = [
        side_panel(story.scores, story.first_writers, heads, "V", measure) for measure in ("alignment", "score")
    ]
    hatched = None if not shortformer else "shortformer positions never enter V: this wire does not exist"
    views = [
        heatmap(
            "Alignment with what V reads",
            ("writer", story.first_writers),
            ("head", heads),
            measured[:1],
            scale=("diverging", -1.0, 1.0, "alignment"),
            hatched=hatched,
            outline=OUTLINE,
        )
    ]
    if (pos := story.weights.W_pos) is not None and shortformer:
        raw = np.array([_raw_scores(story, heads, matrix) for matrix in (story.weights.W_E, pos)])
        views.append(
            heatmap(
                "The raw product, as in the article",
                ("matrix", ("W_E", "W_pos")),
                ("head", heads),
                [panel("V", raw)],
                scale=("sequential", 0.0, largest(raw), "score"),
            )
        )
    note = (
        None
        if not shortformer
        else remark(
            "The article's figure has a row for pos. It is the product W_pos W_OV, which can be computed but which no "
            "signal takes: shortformer adds positions to the inputs of Q and K in every layer and never to V."
        )
    )
    return figure("Moved", "What layer 0 moves", claim, views, note)


def _raw_scores(story: Story, heads: list[str], matrix: Tensor) -> list[float]:
    (core,) = writer_cores([matrix.double()])
    moves: list[Factored] = [ov(story.weights, Head(0, index), norms="ignore") for index in range(len(heads))]
    return [subspace_score(core, move.dense().double()) for move in moves]
