"""A page, its sections, and their figures."""

from collections.abc import Sequence
from typing import Literal

import msgspec

from loadstore.views.base import Value, View


class Note(Value, frozen=True, kw_only=True):
    """A remark on the article, or how a figure was made and is read."""

    kind: Literal["remark", "reading"]
    label: str
    text: str


class Figure(Value, frozen=True, kw_only=True, tag_field="schema", tag="loadstore/figure@1"):
    """One numbered figure.

    Args:
        id: What links to it name.
        number: Its number, or its name.
        claim: What its views show, computed from their numbers.
    """

    id: str
    number: str
    title: str
    claim: str
    note: Note | None
    views: tuple[View, ...]


class Section(Value, frozen=True, kw_only=True):
    """A titled run of figures with a sentence in front.

    Args:
        folded: Whether the page shows the figures only when they are asked for.
    """

    id: str
    title: str
    lead: str
    figures: tuple[Figure, ...]
    folded: bool = False


class Page(Value, frozen=True, kw_only=True, tag_field="schema", tag="loadstore/page@1"):
    """A page.

    Args:
        lead: The main results, in a few sentences.
        prompt: The text that it is about.
        tokens: The prompt's tokens with their index.
        facts: Names and values of facts about the model.
        compact: Whether only the figures are shown, for a frame in a notebook.
    """

    title: str
    lead: str
    prompt: str
    tokens: tuple[str, ...]
    facts: tuple[tuple[str, str | float], ...]
    sections: tuple[Section, ...]
    footer: tuple[str, ...]
    compact: bool = False


def remark(text: str) -> Note:
    """Say where the figure differs from the article."""
    return Note(kind="remark", label="Beside the article", text=text)


def reading(text: str) -> Note:
    """Say how a figure was made and is read."""
    return Note(kind="reading", label="How to read it", text=text)


def figure(name: str, title: str, claim: str, views: Sequence[View], note: Note | None = None) -> Figure:
    """A figure: its name, a claim computed from its numbers, the views that show them, and a remark or reading."""
    return Figure(id=_linked(name), number=name, title=title, claim=claim, note=note, views=tuple(views))


def numbered(figure: Figure, number: str) -> Figure:
    """The figure under the number that a page gives it, which links to it name too."""
    return msgspec.structs.replace(figure, number=number, id=_linked(number))


def _linked(number: str) -> str:
    return f"figure-{number.lower().replace(' ', '-')}"
