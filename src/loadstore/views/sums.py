"""A waterfall of the parts of a number, the walk of one address, and a switch between views."""

from collections.abc import Mapping, Sequence
from typing import Any, SupportsFloat

from loadstore.sites import Side
from loadstore.views.base import Cell, Value, View, cell, cells, round_up
from loadstore.views.charts import Total


class Addend(Value, frozen=True, kw_only=True):
    """One step of a waterfall."""

    label: str
    value: Cell
    text: str


class Waterfall(View, frozen=True, kw_only=True, tag="loadstore/waterfall@1"):
    """Signed steps from zero to a total, and the remainder.

    Args:
        label: The quantity shown.
        columns: Name of the rows, name of their texts.
        remainder: The total minus the steps.
        digits: Decimals of the numbers.
    """

    label: str
    columns: tuple[str, str]
    rows: tuple[Addend, ...]
    total: Total
    remainder: Cell
    low: float
    high: float
    digits: int


class Share(Value, frozen=True, kw_only=True):
    """A writer's share of a side's load, with a text."""

    label: str
    share: Cell
    text: str


class Load(Value, frozen=True, kw_only=True):
    """The load of one side of a head: a token's row, and the writers of its content with their shares."""

    place: str
    writers: tuple[Share, ...]
    remainder: Cell


class Score(Value, frozen=True, kw_only=True):
    """The score to which the parts of a walk add up."""

    label: str
    value: Cell
    remainder: Cell


class Walk(View, frozen=True, kw_only=True, tag="loadstore/walk@1"):
    """One address: writers of the query × writers of the key give a score, the score a weight, and values are stored.

    Args:
        sides: A missing side loads nothing.
        parts: Parts of the score: [writer of Q][writer of K].
        weight: The attention to the key.
        hero: The writers of the strongest path: of Q, of K, of V.
        stores: The end of the walk.
    """

    head: str
    sides: Mapping[Side, Load]
    parts: tuple[tuple[Cell, ...], ...]
    score: Score
    weight: Cell
    hero: tuple[int, int, int]
    stores: str


class Choice(Value, frozen=True, kw_only=True):
    """The views of one choice."""

    name: str
    views: tuple[View, ...]


class Switch(View, frozen=True, kw_only=True, tag="loadstore/switch@1"):
    """A choice between groups of views.

    Args:
        label: The quantity to choose.
        choices: The choices; the first is shown initially.
    """

    label: str
    choices: tuple[Choice, ...]


def waterfall(
    title: str,
    label: str,
    columns: tuple[str, str],
    rows: Sequence[tuple[str, SupportsFloat, str]],
    *,
    total: tuple[str, SupportsFloat],
    remainder: SupportsFloat,
    digits: int = 2,
) -> Waterfall:
    """Signed steps (label, value, text), each starting at the end of the last, to a total; the remainder is printed.

    The steps sum to the total minus the remainder.
    """
    at, reach = 0.0, [0.0, float(total[1])]
    for _, value, _ in rows:
        at += float(value)
        reach.append(at)
    low, high = min(reach), max(reach)
    return Waterfall(
        title=title,
        label=label,
        columns=columns,
        rows=tuple(Addend(label=name, value=cell(value), text=text) for name, value, text in rows),
        total=Total(label=total[0], value=cell(total[1])),
        remainder=cell(remainder),
        low=-round_up(-low) if low < 0 else 0.0,
        high=round_up(high) or (0.0 if low < 0 else 1.0),
        digits=digits,
    )


def load(token: str, writers: Sequence[tuple[str, SupportsFloat, str]], remainder: SupportsFloat) -> Load:
    """One side of a walk: the loaded token, and the writers (name, share, text) of its content."""
    shares = tuple(Share(label=name, share=cell(share), text=text) for name, share, text in writers)
    return Load(place=token, writers=shares, remainder=cell(remainder))


def walk(
    title: str,
    head: str,
    sides: Mapping[Side, Load],
    parts: Any,
    *,
    score: tuple[str, SupportsFloat, SupportsFloat],
    weight: SupportsFloat,
    hero: tuple[int, int, int],
    stores: str,
) -> Walk:
    """One address as a walk: query writers × key writers give a score, the score a weight, and values are stored.

    ``sides`` are the loads Q, K and V; ``parts`` [writer of Q, writer of K] of the score (label, value, remainder);
    ``weight`` the attention to the key; ``hero`` the writers of the strongest path; ``stores`` the end of the walk.
    A missing side has no shares; its text gives the reason.
    """
    return Walk(
        title=title,
        head=head,
        sides=dict(sides),
        parts=cells(parts),
        score=Score(label=score[0], value=cell(score[1]), remainder=cell(score[2])),
        weight=cell(weight),
        hero=hero,
        stores=stores,
    )


def switch(title: str, label: str, choices: Sequence[tuple[str, Sequence[View]]]) -> Switch:
    """A choice between groups of views: ``label`` names it, each choice is (name, views); the first is shown."""
    return Switch(
        title=title, label=label, choices=tuple(Choice(name=name, views=tuple(views)) for name, views in choices)
    )
