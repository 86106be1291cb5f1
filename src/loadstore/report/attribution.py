"""A prediction as a sum of what writers stored: log odds of two tokens, writer by writer and token by token."""

import numpy as np

from loadstore.errors import Undefined
from loadstore.prompts.listing import listing
from loadstore.prompts.logits import logit_parts
from loadstore.report.listing import listing_figure
from loadstore.report.story import Story
from loadstore.report.tokens import chosen_load
from loadstore.report.words import number, plural, size
from loadstore.sites import CONST
from loadstore.views.model import Figure, figure, heatmap, panel, reading, round_up
from loadstore.views.sums import waterfall
from loadstore.visible import visible

SHOWN = 12  # writers; the others stand together
STEPS = 12  # of the program
DIRECT = ("embed", "pos")  # the direct path is always shown


def attribution_figures(story: Story) -> list[Figure]:
    """The first prediction after the load that the report looks at, against the second, and its program.

    None without two tokens; no program where nothing sets the prediction apart.
    """
    if story.weights.architecture.vocab == 1:
        return []
    try:
        program = [listing_figure(listing(story.trace, chosen_load(story)[1], most=STEPS))]
    except Undefined:
        program = []
    return [_prediction(story), *program]


def _prediction(story: Story) -> Figure:
    """Draw it as a waterfall, and a map of writers and the tokens that they loaded."""
    _, at = chosen_load(story)
    first, second = story.trace.logits[at].topk(2).indices.tolist()
    found = logit_parts(story.trace, at, first, against=second, by_source=True)
    names, parts = [str(name) for name in found["writer"].values], found.values.sum(1)
    recorded, remainder = found.attrs["recorded"], found.attrs["remainder"]
    large = sorted(range(len(names)), key=lambda i: -abs(parts[i]))[:SHOWN]
    shown = [i for i, name in enumerate(names) if i in large or name in DIRECT]
    rest = [i for i in range(len(names)) if i not in shown]
    labels, told = story.trace.labels, token_name(story, first)
    rows = [(names[i], parts[i], _source(story, names[i], found.values[i], at)) for i in shown]
    if rest:
        rows.append((plural(len(rest), "other"), parts[rest].sum(), "together"))
    odds = f"log odds of {told} over {token_name(story, second)} after {labels[at]}"
    probability = float(story.trace.logits[at].softmax(-1)[first])
    views = [
        waterfall(
            f"Who made {told} the first prediction after {labels[at]}",
            f"{odds}, nats",
            ("writer", "what it stored came from"),
            rows,
            total=("log odds", recorded),
            remainder=remainder,
        ),
        _map(odds, [names[i] for i in shown], labels, found.values[shown], at),
    ]
    top = max(range(len(names)), key=lambda i: parts[i])
    return figure(
        "Prediction",
        f"Who predicts {told} after {labels[at]}",
        f"After {labels[at]} the first prediction is {told} (probability {number(probability)}), by "
        f"{number(recorded)} nats before {token_name(story, second)}. Of {plural(len(names), 'part')} the largest is "
        f"that of {names[top]}, {number(float(parts[top]))}{_from(story, names[top], found.values[top], at)}. They "
        f"sum to the number of the run within {size(abs(remainder))}.",
        views,
        reading(
            "Every writer's store at this token, through the last norm with its scale frozen, onto the difference of "
            "the two tokens' columns of W_U: the direct path, the stores in the order in which they were made. What a "
            "store owes to earlier ones is not taken apart here."
        ),
    )


def _map(title: str, names: list[str], labels: list[str], values: np.ndarray, at: int) -> dict[str, object]:
    """The same parts by the token that a head took them from."""
    exists = np.zeros(values.shape, dtype=bool)
    exists[:, : at + 1] = True
    for row, name in enumerate(names):
        if ".H" not in name:
            exists[row, :at] = False
    top = round_up(float(np.abs(values).max())) or 1.0
    return heatmap(
        f"The same by source token: {title}",
        ("writer", names),
        ("source token", labels),
        [panel("nats", values, exists)],
        scale=("diverging", -top, top, "nats"),
        hatched="later tokens cannot be loaded; what is no head stores from its own token alone",
    )


def _source(story: Story, name: str, parts: np.ndarray, at: int) -> str:
    """Where most of a head's part came from."""
    if name == CONST:
        return "biases"
    if ".H" not in name:
        return f"{story.trace.labels[at]} itself"
    top = int(np.abs(parts).argmax())
    return f"{story.trace.labels[top]} {number(float(parts[top]))}"


def _from(story: Story, name: str, parts: np.ndarray, at: int) -> str:
    return f", of which {_source(story, name, parts, at)}" if ".H" in name else ""


def token_name(story: Story, index: int) -> str:
    """A token of the vocabulary as text, or its id."""
    tokens = story.weights.tokens
    return f"#{index}" if tokens is None else visible(tokens.text(index))
