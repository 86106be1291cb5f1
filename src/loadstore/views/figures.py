"""A page, its sections, and their figures."""

from collections.abc import Sequence
from typing import Literal

import msgspec

from loadstore.views.base import Value, View


class Note(Value, frozen=True, kw_only=True):
    """A remark on the article, or on how a figure was made and how to read it."""

    kind: Literal["remark", "reading"]
    label: str
    text: str


class Figure(Value, frozen=True, kw_only=True, tag_field="schema", tag="loadstore/figure@1"):
    """One numbered figure.

    Args:
        id: The target of links to it.
        number: Its number, or its name.
        claim: A statement about its views, computed from their numbers.
    """

    id: str
    number: str
    title: str
    claim: str
    note: Note | None
    views: tuple[View, ...]


class Section(Value, frozen=True, kw_only=True):
    """A titled group of figures after a sentence.

    Args:
        folded: Whether the page shows the figures only on request.
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
        prompt: The prompt of the page.
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
    """A note on a difference from the article."""
    return Note(kind="remark", label="Beside the article", text=text)


def reading(text: str) -> Note:
    """A note on how a figure was made and how to read it."""
    return Note(kind="reading", label="How to read it", text=text)


def figure(name: str, title: str, claim: str, views: Sequence[View], note: Note | None = None) -> Figure:
    """A figure: its name, a claim computed from its numbers, the views with these numbers, and a note."""
    return Figure(id=_linked(name), number=name, title=title, claim=claim, note=note, views=tuple(views))


def numbered(figure: Figure, number: str) -> Figure:
    """The figure with its number on the page, which also replaces its name in links."""
    return msgspec.structs.replace(figure, number=number, id=_linked(number))


def _linked(number: str) -> str:
    return f"figure-{number.lower().replace(' ', '-')}"
