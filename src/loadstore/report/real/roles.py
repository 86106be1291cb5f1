"""Who does what: every head's roles as a map of layers × heads, and the notable ones by name."""

import numpy as np

from loadstore.heads.patterns import LOOKS, ROLES
from loadstore.heads.roles import IS_ROLE
from loadstore.report.real.atlas import EACH, NAMED, SOME, Atlas
from loadstore.report.words import last_tokens, listed, number, plural
from loadstore.sites import Head
from loadstore.views.model import Figure, figure, heatmap, panel, reading, table
from loadstore.views.pictures import patterns

FIRST = 4  # names that a claim lists


def role_figures(atlas: Atlas) -> list[Figure]:
    """The map, the notable heads, and their patterns on the prompt."""
    return [_map(atlas), _notable(atlas), _patterns(atlas)]


def _map(atlas: Atlas) -> Figure:
    shape = atlas.weights.architecture
    size = (shape.n_layers, shape.n_heads)
    panels = [
        panel(
            role,
            atlas.roles[role].values.reshape(size),
            details={"standard error": atlas.roles[f"{role}_se"].values.reshape(size)},
            outlined=[(head.layer, head.index) for head in atlas.notable if atlas.role(head, role) > SOME],
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
        "2",
        "Who does what",
        f"Of {plural(heads, 'head')}, so many spend more than half of their attention: {_counts(atlas)}. "
        f"{_resting(atlas.resting)}",
        [view],
        reading(
            f"Mean attention on {int(atlas.roles.attrs['sequences'])} sequences of random tokens, each repeated once. "
            "Roles may overlap: a head counts for each."
        ),
    )


def _counts(atlas: Atlas) -> str:
    """How many heads have each role, with the strongest."""
    told: list[str] = []
    for role in NAMED:
        ranked = atlas.strongest(role, range(atlas.weights.architecture.n_layers))
        have = sum(atlas.role(head, role) > IS_ROLE for head in ranked)
        most = atlas.role(ranked[0], role)
        best = "no query has such a key" if np.isnan(most) else f"most: {ranked[0]} {number(most)}"
        told.append(f"{have or 'none'} {LOOKS[role]} ({best})")
    return "; ".join(told)


def _resting(count: int) -> str:
    if not count:
        return "No head spends more than half of it on the first token."
    return (
        f"{plural(count, 'head')} {'spends' if count == 1 else 'spend'} more than half of it on the first token, where "
        "a head rests that has nothing to load."
    )


def _notable(atlas: Atlas) -> Figure:
    columns = [("head", "head", None), *((role, role, 2) for role in ROLES), ("why", "notable for", None)]
    rows = [[str(h), *(atlas.role(h, role) for role in ROLES), _why(atlas, h)] for h in atlas.notable]
    names = listed([str(head) for head in atlas.notable[:FIRST]])
    rest = len(atlas.notable) - FIRST
    return figure(
        "3",
        "The notable heads",
        f"This report looks at {plural(len(atlas.notable), 'head')}: {names}{f' and {rest} more' if rest > 0 else ''}. "
        f"{atlas.main} adds most to {atlas.predicted} after {atlas.after}.",
        [table("Roles on random repeats", columns, rows)],
        reading(
            f"The head that adds most to {atlas.predicted}, the strongest of each role, and up to {EACH - 1} others of "
            f"it above {number(SOME)}"
            + ("" if atlas.candidate is None else f"; and the heads whose stores the K of {atlas.candidate} needs most")
            + "."
        ),
    )


def _why(atlas: Atlas, head: Head) -> str:
    every = range(atlas.weights.architecture.n_layers)
    found = [
        role if atlas.role(head, role) > IS_ROLE else f"{role} (weakly)"
        for role in NAMED
        if _has(atlas, head, role, every)
    ]
    if atlas.candidate is not None and head in atlas.suppliers[:2]:
        found.append(f"the K of {atlas.candidate}")
    if head == atlas.main:
        found.insert(0, f"adds most to {atlas.predicted}")
    return ", ".join(found)


def _has(atlas: Atlas, head: Head, role: str, every: range) -> bool:
    return atlas.role(head, role) > SOME or head == atlas.strongest(role, every)[0]


def _patterns(atlas: Atlas) -> Figure:
    heads = atlas.notable
    names = [str(head) for head in heads]
    badges = [[role for role in ROLES if atlas.role(head, role) > IS_ROLE] for head in heads]
    ranked = sorted(range(len(heads)), key=lambda i: -float(np.nanmax([atlas.role(heads[i], r) for r in NAMED])))
    view = patterns(
        "The notable heads on the prompt",
        atlas.trace.labels,
        list(zip(names, badges, strict=True)),
        np.stack([atlas.trace.pattern(head).double().numpy() for head in heads]),
        first_is_sink=True,
        orders=[("by layer", range(len(heads))), ("by strongest role", ranked)],
    )
    sink = np.array([float(atlas.trace.pattern(head)[1:, 0].mean()) for head in heads]) if _long(atlas) else np.zeros(0)
    told = f"The prompt is one token: {f'{names[0]} attends' if len(names) == 1 else 'every head attends'} to it."
    if len(sink) == 1:
        told = f"{names[0]} leaves {number(float(sink[0]))} of its attention on the first token."
    elif len(sink):
        told = (
            f"On average they leave {number(float(sink.mean()))} of their attention on the first token, between "
            f"{number(float(sink.min()))} ({heads[int(sink.argmin())]}) and {number(float(sink.max()))} "
            f"({heads[int(sink.argmax())]})."
        )
    near = [w for head in heads if (w := atlas.weights.architecture.window(head.layer)) is not None]
    who = "It sees only its" if len(names) == 1 else f"{'All' if len(near) == len(heads) else 'Some'} see only their"
    hidden = f"{who} {last_tokens(near)}: earlier keys have weight 0 because they cannot be seen."
    title = f"What {'it does' if len(names) == 1 else 'they do'} on this prompt"
    return figure("4", title, told, [view], reading(hidden) if near else None)


def _long(atlas: Atlas) -> bool:
    return len(atlas.trace.labels) > 1
