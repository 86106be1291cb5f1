"""The parts of a report with their expected costs, for progress and the remaining time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from loadstore.figures.left_out import LeftOut
from loadstore.progress import Progress as Steps
from loadstore.report.sections import Built

SLOW = "It takes long; the same command without --quick draws it."
Progress = Callable[[str, int, int, float], None]
"""Called at the start of a part, and within a part that counts its steps.

Receives the part's name, its number from 1, the number of parts, and the expected share that is done.
"""


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a report: a section, or results that several sections share.

    Args:
        name: Its name in the progress.
        cost: A measured time; only the ratios of the costs within one page matter.
        build: Returns the section; receives a callback for its own steps.
        slow: Whether a quick report leaves it out.
        about: The title and a description of its section, for the list of sections left out of a quick report.
    """

    name: str
    cost: float
    build: Callable[[Steps], Built | None]
    slow: bool = False
    about: tuple[str, str] | None = None


def drawn(
    name: str,
    cost: float,
    build: Callable[[], Built | None],
    *,
    slow: bool = False,
    about: tuple[str, str] | None = None,
) -> Part:
    """Return a part that draws a section and does not count its steps."""
    return Part(name, cost, lambda _: build(), slow, about)


def shared(name: str, cost: float, compute: Callable[[], object], *, slow: bool = False) -> Part:
    """Return a part that only computes results which later parts share."""
    return counted(name, cost, lambda _: compute(), slow=slow)


def counted(name: str, cost: float, compute: Callable[[Steps], object], *, slow: bool = False) -> Part:
    """Like ``shared``, for results whose steps are counted."""

    def build(steps: Steps) -> None:
        compute(steps)

    return Part(name, cost, build, slow)


def quick_parts(parts: Sequence[Part], *, quick: bool) -> tuple[list[Part], list[LeftOut]]:
    """Return the parts of a report, and the sections that a quick report leaves out."""
    if not quick:
        return list(parts), []
    left = [LeftOut(*part.about, SLOW) for part in parts if part.slow and part.about is not None]
    return [part for part in parts if not part.slow], left


def build_all(parts: Sequence[Part], progress: Progress | None = None) -> list[Built]:
    """Build every part in order and return the sections."""
    total, done, sections = sum(part.cost for part in parts), 0.0, list[Built]()
    for index, part in enumerate(parts):
        if progress is not None:
            progress(part.name, index + 1, len(parts), done / total)

        def within(steps: int, of: int, part: Part = part, index: int = index, before: float = done) -> None:
            if progress is not None and of:
                progress(part.name, index + 1, len(parts), (before + part.cost * steps / of) / total)

        built = part.build(within)
        if built is not None:
            sections.append(built)
        done += part.cost
    return sections
