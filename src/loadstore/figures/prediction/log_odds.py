"""A prediction as a sum of stores: log odds of two tokens, writer by writer and token by token."""

import numpy as np

from loadstore.decomposition.logits import cap_words
from loadstore.errors import Undefined
from loadstore.evidence.whole import whole_listing
from loadstore.figures.left_out import LeftOut
from loadstore.figures.prediction.listing import listing_figure
from loadstore.figures.subject.story import Story
from loadstore.figures.words import number, plural, size
from loadstore.heads.roles import strongest_role
from loadstore.sites import CONST, parse_writer
from loadstore.views.model import Figure, View, figure, heatmap, panel, reading, round_up
from loadstore.views.sums import waterfall

SHOWN = 12  # writers shown; the others are summed
DIRECT = ("embed", "pos")  # the direct path is always shown


def attribution_figures(story: Story) -> list[Figure | LeftOut]:
    """The explained prediction against another token, as a sum of stores and as a program."""
    try:
        program = story.listing
    except Undefined as reason:
        return [_prediction(story), LeftOut("Program", f"What made {story.predicted}", f"{reason}.")]
    return [
        _prediction(story),
        listing_figure(program, roles=strongest_role(story.roles), whole=whole_listing(program)),
    ]


def _prediction(story: Story) -> Figure:
    """A waterfall of the prediction, and a map of writers and their source tokens."""
    at, table = story.asked.at, story.parts
    names, parts = [str(name) for name in table["writer"].values], table.values.sum(1)
    recorded, remainder = table.attrs["recorded"], table.attrs["remainder"]
    large = sorted(range(len(names)), key=lambda i: -abs(parts[i]))[:SHOWN]
    shown = [i for i, name in enumerate(names) if i in large or name in DIRECT]
    rest = [i for i in range(len(names)) if i not in shown]
    labels, predicted, beside = story.trace.labels, story.predicted, story.text_of(story.asked.against)
    rows = [(names[i], parts[i], _source(story, names[i], table.values[i], at)) for i in shown]
    if rest:
        rows.append((plural(len(rest), "other"), parts[rest].sum(), "together"))
    before = cap_words(story.weights)
    odds = f"log odds of {predicted} over {beside} after {labels[at]}{before}"
    rank = "the first prediction" if story.asked.rank == 0 else f"prediction number {story.asked.rank + 1:,}"
    order = "above" if recorded >= 0 else "below"
    views: list[View] = [
        waterfall(
            f"Who made {predicted} {rank} after {labels[at]}",
            f"{odds}, nats",
            ("writer", "largest source"),
            rows,
            total=("log odds", recorded),
            remainder=remainder,
        ),
    ]
    if heads := [i for i in shown if _is_head(names[i])]:
        views.append(_map(odds, [names[i] for i in heads], labels[: at + 1], table.values[heads, : at + 1]))
    top = max(range(len(names)), key=lambda i: parts[i])
    return figure(
        "Prediction",
        f"Who predicts {predicted} after {labels[at]}",
        f"After {labels[at]}, {predicted} is {rank} (probability {number(story.asked.probability)}), "
        f"{number(abs(recorded))} nats {order} {beside}{before}. Of {plural(len(names), 'part')} the largest is that "
        f"of {names[top]}, {number(float(parts[top]))}{_from(story, names[top], table.values[top], at)}. They sum to "
        f"the number of the run within {size(abs(remainder))}.",
        views,
        reading(
            "Every writer's store at this token, through the last norm with its scale frozen, onto the difference of "
            "the two tokens' columns of W_U: the direct path, the stores in the order in which they were made. The "
            "part of a store that comes from earlier stores is not separated here."
        ),
    )


def _map(title: str, names: list[str], labels: list[str], values: np.ndarray) -> View:
    """The parts of heads by source token; all other writers store from their own token alone."""
    top = round_up(float(np.abs(values).max())) or 1.0
    return heatmap(
        f"Parts of heads by source token: {title}",
        ("writer", names),
        ("source token", labels),
        [panel("", values)],
        scale=("diverging", -top, top, "nats"),
    )


def _is_head(name: str) -> bool:
    return name != CONST and parse_writer(name).kind == "head"


def _source(story: Story, name: str, parts: np.ndarray, at: int) -> str:
    """The main source token of a head's part."""
    if name == CONST:
        return "biases"
    if not _is_head(name):
        return f"{story.trace.labels[at]} itself"
    top = int(np.abs(parts).argmax())
    return f"{story.trace.labels[top]} {number(float(parts[top]))}"


def _from(story: Story, name: str, parts: np.ndarray, at: int) -> str:
    return f" (from {_source(story, name, parts, at)}, the rest from other tokens)" if _is_head(name) else ""
