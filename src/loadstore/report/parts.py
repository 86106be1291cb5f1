"""The parts of a report with their expected costs, from which progress and the time left follow."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from loadstore.report.sections import Built

Progress = Callable[[str, int, int, float], None]
"""Called as a part begins: its name, its number from 1, how many there are, the expected share that is done."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a report: a section, or results that several sections share.

    ``cost`` is a measured time; only the ratios of the costs of one page are used. ``build`` returns the section.
    """

    name: str
    cost: float
    build: Callable[[], Built | None]


def shared(name: str, cost: float, compute: Callable[[], object]) -> Part:
    """Return a part that only computes results which later parts share."""

    def build() -> None:
        compute()

    return Part(name, cost, build)


def build_all(parts: Sequence[Part], progress: Progress | None = None) -> list[Built]:
    """Build every part in order and return the sections."""
    total, done, sections = sum(part.cost for part in parts), 0.0, list[Built]()
    for index, part in enumerate(parts):
        if progress is not None:
            progress(part.name, index + 1, len(parts), done / total)
        built = part.build()
        if built is not None:
            sections.append(built)
        done += part.cost
    return sections
