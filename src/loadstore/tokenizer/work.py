"""Bounds the work of a regular expression, composed from the work of its parts.

A backtracking search repeats work if something that can fail follows a repetition. Each such repetition multiplies the
work by the length of the text. Counted choices multiply it by their number.
"""

from dataclasses import dataclass
from typing import NamedTuple

REPEATS, FACTOR = 512, 256


class Unbounded(Exception):
    """A pattern whose work cannot be bounded, or that is not supported; the message gives the reason."""


class Work(NamedTuple):
    """A bound on how often a search may return: this power of the text's length, times this factor."""

    degree: int = 0
    factor: int = 1


NONE, NEVER = Work(), Work(99)


@dataclass(frozen=True, slots=True)
class Part:
    """The work of a part of a pattern: ``open`` if something that can fail follows it, else ``last``.

    ``fails``: whether the part itself can fail. ``simple``: whether it has a fixed length and no choices. ``size``: the
    minimum number of characters it compares, with counted repetitions expanded.
    """

    open: Work = NONE
    last: Work = NONE
    fails: bool = True
    simple: bool = True
    size: int = 1


ONE = Part()


def after_each_other(parts: list[Part]) -> Part:
    """The work of consecutive parts."""
    opened, last, fails = Work(), Work(), False
    for part in reversed(parts):
        own = part.open if fails else part.last
        opened = Work(opened.degree + part.open.degree, opened.factor * part.open.factor)
        last = Work(last.degree + own.degree, last.factor * own.factor)
        fails |= part.fails
    size = sum(part.size for part in parts)
    return Part(opened, last, fails=fails, simple=all(part.simple for part in parts), size=size)


def either(branches: list[Part]) -> Part:
    """The work of alternatives."""

    def of(works: list[Work]) -> Work:
        return Work(max(work.degree for work in works), sum(work.factor for work in works))

    opened, last = of([branch.open for branch in branches]), of([branch.last for branch in branches])
    return Part(
        opened, last, fails=all(each.fails for each in branches), simple=False, size=sum(each.size for each in branches)
    )


def once(part: Part) -> Part:
    """The work of an atomic part: it is not backtracked into, but it is read again whenever something before it is."""
    work = part.last if part.simple else Work(part.last.degree + 1, part.last.factor)
    return Part(work, part.last, fails=part.fails, simple=part.simple, size=part.size)


def repeat(part: Part, least: int, most: int | None) -> Part:
    """The work of a repetition; ``most`` is None if unbounded. Raises Unbounded if its expansion is too long."""
    fails, size = part.fails and least > 0, part.size * max(1, most or least)
    if most is not None and most < least:
        raise Unbounded(f"it repeats a part {least} to {most} times")
    if size > REPEATS:
        raise Unbounded(f"its counted repetitions make it {size} characters long, expected at most {REPEATS}")
    if most is None and part.simple:
        return Part(Work(1), Work(), fails=fails, simple=False, size=size)
    if most is None:
        return Part(NEVER, part.last if least < 2 else NEVER, fails=fails, simple=False, size=size)
    if part.simple:
        return Part(Work(0, most - least + 1), Work(), fails=fails, simple=most == least, size=size)
    if most == 1:
        opened, last = (Work(work.degree, work.factor + 1) for work in (part.open, part.last))
        return Part(opened, last, fails=fails, simple=False, size=size)
    work = Work(part.open.degree * most, min(FACTOR + 1, (part.open.factor + 1) ** min(most, 64)))
    return Part(work, work, fails=fails, simple=False, size=size)
