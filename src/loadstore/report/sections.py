"""A section of a page, and the list of the figures that all sections left out."""

from collections.abc import Sequence
from dataclasses import dataclass

from loadstore.figures.left_out import LeftOut, left_out_figure
from loadstore.views.figures import Section
from loadstore.views.model import Figure


@dataclass(frozen=True, slots=True)
class Built:
    """A section, and the figures that it leaves out."""

    section: Section
    left: tuple[LeftOut, ...]


def section(name: str, title: str, text: str, figures: Sequence[Figure | LeftOut]) -> Built:
    """A titled run of figures with a sentence in front; those that it leaves out are kept beside them."""
    drawn = tuple(one for one in figures if isinstance(one, Figure))
    left = tuple(one for one in figures if isinstance(one, LeftOut))
    return Built(Section(id=name, title=title, lead=text, figures=drawn), left)


def finished(sections: Sequence[Built]) -> tuple[Section, ...]:
    """The sections that have figures, and a last one that lists the figures left out, where there are any."""
    left = [one for part in sections for one in part.left]
    shown = [part.section for part in sections if part.section.figures]
    if left:
        told = "A figure that would be empty, or would draw two equal pictures, is not drawn."
        shown.append(Section(id="left-out", title="Left out", lead=told, figures=(left_out_figure(left),)))
    return tuple(shown)
