"""The view of a program: lines of loads and stores, with links between steps."""

from collections.abc import Sequence
from typing import Literal, TypeAlias

from loadstore.views.base import Value, View

LineMark: TypeAlias = Literal["", "estimated", "verified", "beyond", "failed"]


class Operand(Value, frozen=True, kw_only=True):
    """A part of a line; one that names a step links to it."""

    text: str
    step: int | None


class Line(Value, frozen=True, kw_only=True):
    """One load or store.

    Args:
        parts: The content that it loads or stores.
        mark: The result of cutting it.
        step: Its number, if other lines link to it.
    """

    site: str
    op: str
    place: str
    parts: tuple[Operand, ...]
    comment: str
    mark: LineMark
    step: int | None


class Program(View, frozen=True, kw_only=True, tag="loadstore/program@1"):
    """The loads and stores of one prediction."""

    rows: tuple[Line, ...]


def line(
    site: str,
    op: str,
    token: str,
    parts: Sequence[tuple[str, int | None]],
    comment: str = "",
    mark: LineMark = "",
    step: int | None = None,
) -> Line:
    """One line; ``step``: its number as a step; ``parts``: texts, each with the number of a step to link or None."""
    operands = tuple(Operand(text=text, step=number) for text, number in parts)
    return Line(site=site, op=op, place=token, parts=operands, comment=comment, mark=mark, step=step)


def program(title: str, rows: Sequence[Line]) -> Program:
    """A program from its lines."""
    return Program(title=title, rows=tuple(rows))
