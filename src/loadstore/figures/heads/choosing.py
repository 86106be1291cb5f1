"""The inputs by which heads of layer 0 choose tokens: positions or the embedding."""

import numpy as np

from loadstore.figures.subject.story import Story
from loadstore.figures.wires.pieces import OUTLINE, largest, layer_heads, side_panel, side_table, wire
from loadstore.figures.words import listed, number
from loadstore.scores.measures import BY_NAME
from loadstore.sites import SIDES, Side, parse_head
from loadstore.views.dots import dot, dots
from loadstore.views.model import Figure, View, figure, heatmap, reading, remark
from loadstore.views.sums import switch


def choosing_figure(story: Story) -> Figure:
    """Alignment of layer 0's inputs with the Q and the K of its heads."""
    heads, head = layer_heads(story.scores, 0), story.previous
    if "pos" not in story.first_writers:
        numbers = " and ".join(f"its {side} {number(wire(story.scores, 'embed', head, side))}" for side in ("Q", "K"))
        claim = f"For {head}, the alignment of embed with {numbers} (0 is chance, 1 perfect)."
        note = reading(story.averaged.strip()) if story.averaged else None
        return figure("Choosing", "What layer 0 reads to choose tokens", claim, _qk_views(story), note)
    higher = {
        side: int(
            np.nansum(
                side_table(story.scores, ["pos"], heads, side, "alignment")
                > side_table(story.scores, ["embed"], heads, side, "alignment")
            )
        )
        for side in ("Q", "K")
    }
    parts = [
        f"its {side} is aligned {number(wire(story.scores, 'pos', head, side))} with pos and "
        f"{number(wire(story.scores, 'embed', head, side))} with embed"
        for side in ("Q", "K")
    ]
    counted = f"Of {len(heads)} heads of layer 0, pos is better aligned than embed with the Q of {higher['Q']} and "
    counted = "" if len(heads) == 1 else f"{counted}the K of {higher['K']}. "
    claim = f"{counted}For {head}, {' and '.join(parts)} (0 is chance, 1 perfect)."
    note = remark(
        "Raw scores of writers with different spectra are not comparable: a flat W_E of many directions can never "
        "score high, a W_pos of few directions can. Alignment measures each against its own chance and ceiling."
    )
    return figure("Choosing", "What layer 0 reads to choose tokens", claim, _qk_views(story), note)


def _qk_views(story: Story) -> list[View]:
    """Alignments as dots, one row per head; a switch shows the article's raw scores."""
    plots: list[View] = [_qk_dots(story, side) for side in SIDES[:2]]
    raw = [_qk_view(story, "The raw score, as in the article", "score")]
    every = [_qk_view(story, "Alignment with all its numbers", "alignment")]
    return [
        switch(
            "What layer 0 reads",
            "Shown",
            [("alignment", plots), ("alignment, all numbers", every), ("raw score, as in the article", raw)],
        )
    ]


def _qk_dots(story: Story, side: Side) -> View:
    """The alignment of every head's side with pos, or with embed if nothing stores positions."""
    heads, site = layer_heads(story.scores, 0), story.first_writers[-1]
    column = side_panel(story.scores, [site], heads, side)
    above = {heads[at] for _, at in column.outlined}
    others = [writer for writer in story.first_writers if writer != site]
    rows = [
        dot(
            head,
            wire(story.scores, site, parse_head(head), side),
            None,
            [wire(story.scores, writer, parse_head(head), side) for writer in others],
            OUTLINE if head in above else "",
            strong=head in above,
        )
        for head in heads
    ]
    return dots(
        f"{side}: alignment with {site}",
        BY_NAME["alignment"].axis,
        rows,
        others=f"alignment with {listed(others)}; large dots: {OUTLINE}" if others else "",
        rules=[(0.0, "chance")],
    )


def _qk_view(story: Story, title: str, measure: str) -> View:
    heads = layer_heads(story.scores, 0)
    panels = [side_panel(story.scores, story.first_writers, heads, side, measure) for side in SIDES[:2]]
    most = max(largest(side_table(story.scores, story.first_writers, heads, side, measure)) for side in SIDES[:2])
    return heatmap(
        title,
        ("writer", story.first_writers),
        ("head", heads),
        panels,
        scale=("diverging", -1.0, 1.0, "alignment") if measure == "alignment" else ("sequential", 0.0, most, "score"),
        outline=OUTLINE,
    )
