"""The token part of an address: rows of attention, the memory they select, and every head at once."""

import itertools
import math

import numpy as np

from loadstore.decomposition.address import sink_of, smallest_set
from loadstore.figures.heads.sinks import sinks_said
from loadstore.figures.subject.story import Story
from loadstore.figures.wires.pieces import largest
from loadstore.figures.words import listed, number, plural
from loadstore.heads.patterns import ROLES
from loadstore.heads.roles import IS_ROLE
from loadstore.sites import Head
from loadstore.views.addresses import AddressRow
from loadstore.views.model import Figure, figure, heatmap, panel, reading
from loadstore.views.pictures import MASS, address, address_row, memory, patterns

FEW = 5  # as many tokens as the article's toy
BLOCKS = 24  # columns of the memory picture


def token_figures(story: Story) -> list[Figure]:
    """Rows as soft addresses, the rows of memory that one of them selects, and every head on the prompt."""
    return [_rows(story), _memory(story), overview(story)]


def _effective(row: np.ndarray) -> float:
    """2^H: the effective number of tokens of a row."""
    held = row[row > 0] / row.sum()
    return float(2 ** -(held * np.log2(held)).sum())


def _soft_head(story: Story) -> Head:
    """The head whose first rows differ most in their effective number of tokens."""
    few = min(FEW, len(story.trace.labels))

    def spread(head: Head) -> float:
        counts = [_effective(row) for row in story.trace.pattern(head)[1:few].double().numpy()]
        return max(counts, default=0.0) - min(counts, default=0.0)

    return max(story.weights.architecture.heads, key=spread)


def _rows(story: Story) -> Figure:
    head = _soft_head(story)
    few = min(FEW, len(story.trace.labels))
    labels = story.trace.labels[:few]
    pattern = story.trace.pattern(head)[:few, :few].double().numpy()
    counts = [_effective(row) for row in pattern]
    later = range(1, few)
    ranked = sorted(later, key=lambda i: counts[i])
    chosen = sorted({0, *ranked[:1], *ranked[-1:]})
    allowed = np.tri(few, dtype=bool)
    named = listed([f"{labels[i]} reads {number(counts[i], 1)}" for i in chosen])
    views = [
        heatmap(
            f"The first {'row' if few == 1 else f'{few} rows'} of {head}",
            ("query", labels),
            ("key", labels),
            [panel(str(head), pattern, allowed)],
            scale=("sequential", 0.0, 1.0, "attention"),
            hatched="a query cannot attend to later tokens",
        ),
        address("The same rows as addresses", labels, [_row(story, head, i, few) for i in chosen]),
    ]
    return figure(
        "Rows",
        "A row of attention is a soft address",
        f"Every row of {head} is a distribution over the tokens up to its own and {_sums(story, head)}. In effective "
        f"tokens (2 to the entropy of the row), {named}.",
        views,
        reading(f"{_choice(story, few)}he first row is always certain."),
    )


def _sums(story: Story, head: Head) -> str:
    sunk = story.weights.layers[head.layer].sinks is not None
    return "the head's learned sink, with which it sums to 1" if sunk else "sums to 1"


def _choice(story: Story, few: int) -> str:
    """The reason for the choice of this head, if there was a choice."""
    chosen = few > 2 and len(story.weights.architecture.heads) > 1
    return "The head is the one whose first rows differ most: t" if chosen else "T"


def _row(story: Story, head: Head, at: int, upto: int) -> AddressRow:
    row = story.trace.pattern(head)[at].double()
    labels = story.trace.labels
    chosen = smallest_set(row, MASS)
    shown = [f"{labels[j]} {number(float(row[j]))}" for j in chosen[:3]]
    rest = at + 1 - len(shown)
    sink = sink_of(story.trace, head, at)
    shown += [] if sink is None else [f"sink {number(sink)}"]
    text = "→ " + " | ".join([*shown, f"+{rest}"] if rest else shown)
    weights = [float(row[j]) if j <= at else None for j in range(upto)]
    return address_row(f"{head}@{labels[at]}", text, weights, chosen, _effective(row.numpy()))


def _memory(story: Story) -> Figure:
    head, at = story.main, story.asked.at
    labels, d = story.trace.labels, story.weights.architecture.d_model
    stream = story.trace.residual(head.layer).double().numpy()
    edges = np.linspace(0, d, min(BLOCKS, d) + 1).astype(int)
    values = np.stack([np.sqrt((stream[:, a:b] ** 2).mean(1)) for a, b in itertools.pairwise(edges.tolist())], 1)
    columns = [f"{a}–{b - 1}" for a, b in itertools.pairwise(edges.tolist())]
    row = story.trace.pattern(head)[at].double()
    view = memory(
        f"The stream before layer {head.layer}, and the address of {labels[at]}",
        ("token", labels),
        ("coordinates", columns),
        values,
        scale=("sequential", 0.0, largest(values), "root mean square"),
        weights=(f"{head}@{labels[at]}", [float(row[j]) if j <= at else None for j in range(len(labels))]),
    )
    top = smallest_set(row, MASS)
    named = listed([f"{labels[j]} ({number(float(row[j]))})" for j in top[:3]])
    more = f" and {len(top) - 3} more" if len(top) > 3 else ""
    return figure(
        "Memory",
        "The token part selects rows of memory",
        f"The stream is an array of {plural(len(labels), 'row')}, one per token, and {d} columns. The address of "
        f"{head}, which adds most to {story.predicted} after {labels[at]}, selects {named}{more}: the fewest rows that "
        f"hold {100 * MASS:.0f} % of its weight. Spread evenly they would be {math.ceil(MASS * (at + 1) - 1e-9)} of "
        f"{at + 1}.",
        [view],
        reading(
            "Cells show the size of a block of coordinates, which depends on the basis and has no meaning alone: "
            "which of them a head loads is the subspace part of the address, below."
        ),
    )


def overview(story: Story) -> Figure:
    """Every head on the prompt, with its roles on random repeats."""
    heads = story.weights.architecture.heads
    pattern = np.stack([story.trace.pattern(head).double().numpy() for head in heads])
    badges = [[role for role in ROLES if story.role(head, role) > IS_ROLE] for head in heads]
    ranked = sorted(range(len(heads)), key=lambda i: -max(story.role(heads[i], role) for role in ROLES))
    view = patterns(
        "All heads on the prompt",
        story.trace.labels,
        [(str(head), marks) for head, marks in zip(heads, badges, strict=True)],
        pattern,
        across=story.weights.architecture.n_heads,
        first_is_sink=True,
        orders=[("by index", range(len(heads))), ("by strongest role", ranked)],
        shown=heads.index(story.main),
    )
    counts = {role: [str(h) for h, marks in zip(heads, badges, strict=True) if role in marks] for role in ROLES}
    named = "; ".join(f"{role}: {listed(names)}" for role, names in counts.items() if names)
    return figure(
        "All heads",
        "Every head at once",
        f"Heads that spend more than half of their attention on one role, on random repeats: {named or 'none'}."
        f"{sinks_said(story.trace, heads)}",
        [view],
    )
