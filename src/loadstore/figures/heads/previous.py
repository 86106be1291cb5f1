"""A previous-token head, the subspaces it reads, and the controls."""

from typing import TYPE_CHECKING

import numpy as np

from loadstore.causal.engine import rerun
from loadstore.execution.edits import cut
from loadstore.execution.patterns import allowed
from loadstore.figures.heads.choosing import choosing_figure
from loadstore.figures.left_out import CHANGE
from loadstore.figures.subject.story import Story
from loadstore.figures.wires.pieces import largest, layer_heads, side_table, wire
from loadstore.figures.words import number, unseen, with_error
from loadstore.heads.patterns import mass_on, role_masks
from loadstore.heads.roles import bos_of
from loadstore.sites import SIDES, Head, Side
from loadstore.views.heatmaps import Panel
from loadstore.views.model import Figure, View, figure, heatmap, panel, remark

if TYPE_CHECKING:
    import xarray as xr

NO_POS = {
    "rotary": "Rotary positions turn queries and keys; no writer stores a position, so there is none to cut.",
    "alibi": "ALiBi lowers a score by the distance alone; no writer stores a position, so there is none to cut.",
    "none": "This model has no positions: a head knows the order from the causal mask alone.",
}


def previous_figures(story: Story) -> list[Figure]:
    """The pattern, its reads in layer 0, and the controls."""
    return [_pattern(story), choosing_figure(story), _controls(story)]


def _pattern(story: Story) -> Figure:
    head, labels = story.previous, story.trace.labels
    window = story.weights.architecture.window(head.layer)
    mask = role_masks(story.trace.tokens, bos_of(story.weights), window)["previous"]
    seen = allowed(len(labels), window).numpy()
    here = float(mass_on(story.trace.record.layers[0].pattern, mask)[0][0, head.index])
    panels = [panel(f"{head}", story.trace.pattern(head), seen)]
    if "pos" in story.first_writers:
        edits = [cut("pos", f"{head}.{side}") for side in ("Q", "K")]
        without = rerun(story.trace, edits)
        gone = float(mass_on(without.record.layers[0].pattern, mask)[0][0, head.index])
        control = f"With pos cut from its Q and K the weight is {number(gone)}."
        if float((without.pattern(head) - story.trace.pattern(head)).abs().max()) >= CHANGE:
            panels.append(panel("control: pos cut from Q and K", without.pattern(head), seen))
        else:
            control = f"{control} No weight changes by {number(CHANGE)}, so that pattern is not drawn."
    else:
        control = NO_POS[story.weights.architecture.positions]
    uniform = float(np.mean(1 / seen.sum(1)[1:])) if len(labels) > 1 else float("nan")
    score = with_error(story.role(head, "previous"), story.error(head, "previous"))
    if len(labels) == 1:
        claim = f"A prompt of one token has no previous token; {head} scores {score} on random repeats."
        return figure("Previous", f"The pattern of {head}", claim, [_pattern_view(head, labels, panels, window)])
    name = (
        f"{head} attends to the previous token"
        if story.is_previous
        else f"No head of layer 0 is a previous-token head; the nearest is {head}, which attends to the previous token"
    )
    claim = (
        f"{name} with weight {number(here)} on this prompt and {score} on random repeats (uniform attention would "
        f"give {number(uniform)}). {control}"
    )
    return figure("Previous", f"The pattern of {head}", claim, [_pattern_view(head, labels, panels, window)])


def _pattern_view(head: Head, labels: list[str], panels: list[Panel], window: int | None) -> View:
    return heatmap(
        f"Pattern of {head}",
        ("query", labels),
        ("key", labels),
        panels,
        scale=("sequential", 0.0, 1.0, "attention"),
        hatched=unseen(window),
    )


def _controls(story: Story) -> Figure:
    heads, head, site = layer_heads(story.scores, 0), story.previous, story.first_writers[-1]
    matrix = "W_pos" if site == "pos" else "W_E"
    rows = {"as trained": story.scores, "negated": story.negated, "reversed": story.reversed, "rotated": story.haar}
    panels = []
    for side in SIDES[:2]:
        values = np.concatenate([side_table(r, [site], heads, side, "score") for r in rows.values()])
        aligned = np.concatenate([side_table(r, [site], heads, side, "alignment") for r in rows.values()])
        panels.append(panel(side, values, None, {"alignment": aligned}))
    chance = wire(story.scores, site, head, "Q", "chance")
    change = max(
        float(np.abs(_scores_of(story.negated, site, heads, side) - _scores_of(story.scores, site, heads, side)).max())
        for side in SIDES[:2]
    )
    numbers = "; ".join(
        f"{side} {number(wire(story.scores, site, head, side, 'score'), 3)}, reversed "
        f"{number(wire(story.reversed, site, head, side, 'score'), 3)}, rotated at random "
        f"{number(wire(story.haar, site, head, side, 'score'), 3)}"
        for side in ("Q", "K")
    )
    view = heatmap(
        f"Score of {site} under four changes",
        (matrix, list(rows)),
        ("head", heads),
        panels,
        scale=("sequential", 0.0, max(largest(np.array(p.values, dtype=float)) for p in panels), "score"),
    )
    return figure(
        "Control",
        f"The control: turn what {site} writes",
        f"Scores of {site} for {head}: {numbers}. Chance is {number(chance, 3)} for every wire. "
        f"Negating {matrix} {'changes no score' if change < 1e-9 else f'changes a score by {change:.1e}'}.",
        [view],
        remark(
            "The article speaks of a rotation by 180°. Turning by 180° is a negation, which a Frobenius norm does not "
            "see (second row). The control that makes scores fall reverses the order of the coordinates; a random "
            "rotation is the same idea without a choice." + story.averaged
        ),
    )


def _scores_of(scores: "xr.Dataset", site: str, heads: list[str], side: Side) -> np.ndarray:
    return side_table(scores, [site], heads, side, "score")
