"""A section of a page, the numbering of figures, and the list of figures left out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from msgspec.structs import replace as with_fields

from loadstore.figures.left_out import LeftOut, left_out_figure, quick_figure
from loadstore.views.figures import Section, numbered
from loadstore.views.model import Figure


@dataclass(frozen=True, slots=True)
class Built:
    """A section, with the figures it leaves out."""

    section: Section
    left: tuple[LeftOut, ...]


def section(name: str, title: str, text: str, figures: Sequence[Figure | LeftOut], *, folded: bool = False) -> Built:
    """A titled group of figures after a sentence; figures left out are kept separately."""
    drawn = tuple(figure for figure in figures if isinstance(figure, Figure))
    left = tuple(figure for figure in figures if isinstance(figure, LeftOut))
    return Built(Section(id=name, title=title, lead=text, figures=drawn, folded=folded), left)


def laid_out(
    sections: Sequence[Built], numbers: Mapping[str, str], slow: Sequence[LeftOut] = ()
) -> tuple[Section, ...]:
    """The sections of a page, each figure under its number.

    Args:
        sections: The sections, in the order of the page.
        numbers: The numbers of figures by their names; a figure without one keeps its name.
        slow: The sections left out of a quick report.

    Returns:
        The sections with figures, and a last one that lists the figures left out, if any.
    """
    left = [
        replace(figure, number=numbers.get(figure.number, figure.number)) for part in sections for figure in part.left
    ]
    shown = [_numbered(part.section, numbers) for part in sections if part.section.figures]
    if left or slow:
        lead = "A figure that would be empty, or would draw two equal pictures, is not drawn."
        figures = [left_out_figure(left)] if left else []
        figures += [quick_figure(slow)] if slow else []
        shown.append(Section(id="left-out", title="Left out", lead=lead if left else "", figures=tuple(figures)))
    return tuple(shown)


def _numbered(part: Section, numbers: Mapping[str, str]) -> Section:
    figures = tuple(numbered(figure, numbers.get(figure.number, figure.number)) for figure in part.figures)
    return with_fields(part, figures=figures)
