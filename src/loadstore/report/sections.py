"""A section of a page, the numbers that a page gives to its figures, and the list of figures that it leaves out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from msgspec.structs import replace as with_fields

from loadstore.figures.left_out import LeftOut, left_out_figure, quick_figure
from loadstore.views.figures import Section, numbered
from loadstore.views.model import Figure


@dataclass(frozen=True, slots=True)
class Built:
    """A section, and the figures that it leaves out."""

    section: Section
    left: tuple[LeftOut, ...]


def section(name: str, title: str, text: str, figures: Sequence[Figure | LeftOut], *, folded: bool = False) -> Built:
    """A titled run of figures with a sentence in front; those that it leaves out are kept beside them."""
    drawn = tuple(figure for figure in figures if isinstance(figure, Figure))
    left = tuple(figure for figure in figures if isinstance(figure, LeftOut))
    return Built(Section(id=name, title=title, lead=text, figures=drawn, folded=folded), left)


def laid_out(
    sections: Sequence[Built], numbers: Mapping[str, str], slow: Sequence[LeftOut] = ()
) -> tuple[Section, ...]:
    """The sections of a page, each figure under its number.

    Args:
        sections: What was built, in the order of the page.
        numbers: The numbers of figures by their names; a figure without one keeps its name.
        slow: What a quick report leaves out.

    Returns:
        The sections that have figures, and a last one that lists the figures left out, where there are any.
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
