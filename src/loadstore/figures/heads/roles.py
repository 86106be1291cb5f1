"""The roles of all heads as a map of layers × heads, and the notable heads by name."""

import numpy as np

from loadstore.figures.heads.sinks import sinks_said
from loadstore.figures.subject.close_look import EACH, NAMED, SOME, notable, resting, suppliers
from loadstore.figures.subject.story import Story
from loadstore.figures.words import last_tokens, listed, number, plural
from loadstore.heads.patterns import LOOKS, ROLES
from loadstore.heads.roles import IS_ROLE
from loadstore.sites import Head
from loadstore.views.dots import Dot, dot, dots
from loadstore.views.model import Figure, View, figure, heatmap, panel, reading, table
from loadstore.views.pictures import patterns
from loadstore.views.sums import switch

FIRST = 4  # names listed in a claim


def role_figures(story: Story) -> list[Figure]:
    """The map, the notable heads, and their patterns on the prompt."""
    return [_map(story), _notable(story), _patterns(story)]


def _map(story: Story) -> Figure:
    shape = story.weights.architecture
    size = (shape.n_layers, shape.n_heads)
    panels = [
        panel(
            role,
            story.roles[role].values.reshape(size),
            details={"standard error": story.roles[f"{role}_se"].values.reshape(size)},
            outlined=[(head.layer, head.index) for head in notable(story) if story.role(head, role) > SOME],
        )
        for role in ROLES
    ]
    view = heatmap(
        "Share of attention on a role's keys",
        ("layer", [f"L{layer}" for layer in range(shape.n_layers)]),
        ("head", [f"H{index}" for index in range(shape.n_heads)]),
        panels,
        scale=("sequential", 0.0, 1.0, "attention"),
        hatched="no query of these sequences has such a key",
        outline=f"a notable head with more than {number(SOME)}",
    )
    heads = shape.n_layers * shape.n_heads
    return figure(
        "Roles",
        "Who does what",
        f"Of {plural(heads, 'head')}, by where they spend more than half of their attention: {_counts(story)}. "
        f"{_resting(resting(story))}",
        [view],
        reading(
            f"Mean attention on {int(story.roles.attrs['sequences'])} sequences of random tokens, each repeated once. "
            "Roles may overlap: a head counts for each."
        ),
    )


def _counts(story: Story) -> str:
    """The number of heads with each role, and the strongest of them."""
    claims: list[str] = []
    for role in NAMED:
        ranked = story.strongest(role, range(story.weights.architecture.n_layers))
        have = sum(story.role(head, role) > IS_ROLE for head in ranked)
        most = story.role(ranked[0], role)
        best = "no query has such a key" if np.isnan(most) else f"most: {ranked[0]} {number(most)}"
        claims.append(f"{have or 'none'} {LOOKS[role]} ({best})")
    return "; ".join(claims)


def _resting(count: int) -> str:
    if not count:
        return "No head spends more than half of it on the first token."
    return (
        f"{plural(count, 'head')} {'spends' if count == 1 else 'spend'} more than half of it on the first token, where "
        "a head with nothing to load rests."
    )


def _notable(story: Story) -> Figure:
    columns = [("head", "head", None), *((role, role, 2) for role in ROLES), ("why", "notable for", None)]
    rows = [[str(h), *(story.role(h, role) for role in ROLES), _why(story, h)] for h in notable(story)]
    names = listed([str(head) for head in notable(story)[:FIRST]])
    count = len(notable(story))
    rest = count - FIRST
    return figure(
        "Notable",
        "The notable heads",
        f"This report looks at {plural(count, 'head')}: {names}{f' and {rest} more' if rest > 0 else ''}. "
        f"{story.main} adds most to {story.predicted} after {story.after}.",
        [
            switch(
                "Roles on random repeats",
                "Shown",
                [
                    ("the strongest role of each", [_role_dots(story)]),
                    ("all numbers", [table("Roles on random repeats", columns, rows)]),
                ],
            )
        ],
        reading(
            f"The head that adds most to {story.predicted}, the strongest of each role, and up to {EACH - 1} others of "
            f"it above {number(SOME)}"
            + ("" if story.candidate is None else f"; and the heads whose stores the K of {story.candidate} needs most")
            + "."
        ),
    )


def _role_dots(story: Story) -> View:
    """Each notable head at its strongest role, with its other roles."""
    rows: list[Dot] = []
    for head in notable(story):
        role_scores = {role: story.role(head, role) for role in NAMED if not np.isnan(story.role(head, role))}
        best = max(role_scores, key=lambda role: role_scores[role]) if role_scores else NAMED[0]
        others = [score for role, score in role_scores.items() if role != best]
        score = role_scores.get(best, float("nan"))
        rows.append(dot(f"{head}: {_why(story, head) or best}", score, None, others, best, strong=score > IS_ROLE))
    return dots(
        "The strongest role of each",
        "share of attention on the keys of its strongest role, the first token aside",
        rows,
        others="its scores in the other roles",
        rules=[(0.0, ""), (IS_ROLE, "a head has a role above this")],
    )


def _why(story: Story, head: Head) -> str:
    every = range(story.weights.architecture.n_layers)
    reasons = [
        role if story.role(head, role) > IS_ROLE else f"{role} (weakly)"
        for role in NAMED
        if _has(story, head, role, every)
    ]
    if story.candidate is not None and head in suppliers(story)[:2]:
        reasons.append(f"the K of {story.candidate}")
    if head == story.main:
        reasons.insert(0, f"adds most to {story.predicted}")
    return ", ".join(reasons)


def _has(story: Story, head: Head, role: str, every: range) -> bool:
    return story.role(head, role) > SOME or head == story.strongest(role, every)[0]


def _patterns(story: Story) -> Figure:
    heads = notable(story)
    names = [str(head) for head in heads]
    badges = [[role for role in ROLES if story.role(head, role) > IS_ROLE] for head in heads]
    ranked = sorted(range(len(heads)), key=lambda i: -float(np.nanmax([story.role(heads[i], r) for r in NAMED])))
    view = patterns(
        "The notable heads on the prompt",
        story.trace.labels,
        list(zip(names, badges, strict=True)),
        np.stack([story.trace.pattern(head).double().numpy() for head in heads]),
        first_is_sink=True,
        orders=[("by layer", range(len(heads))), ("by strongest role", ranked)],
    )
    sink = np.array([float(story.trace.pattern(head)[1:, 0].mean()) for head in heads]) if _long(story) else np.zeros(0)
    claim = f"The prompt is one token: {f'{names[0]} attends' if len(names) == 1 else 'every head attends'} to it."
    if len(sink) == 1:
        claim = f"{names[0]} leaves {number(float(sink[0]))} of its attention on the first token."
    elif len(sink):
        claim = (
            f"On average they leave {number(float(sink.mean()))} of their attention on the first token, between "
            f"{number(float(sink.min()))} ({heads[int(sink.argmin())]}) and {number(float(sink.max()))} "
            f"({heads[int(sink.argmax())]})."
        )
    claim += sinks_said(story.trace, heads)
    near = [w for head in heads if (w := story.weights.architecture.window(head.layer)) is not None]
    who = "It sees only its" if len(names) == 1 else f"{'All' if len(near) == len(heads) else 'Some'} see only their"
    hidden = f"{who} {last_tokens(near)}: earlier keys have weight 0 because they cannot be seen."
    title = f"What {'it does' if len(names) == 1 else 'they do'} on this prompt"
    return figure("Patterns", title, claim, [view], reading(hidden) if near else None)


def _long(story: Story) -> bool:
    return len(story.trace.labels) > 1
