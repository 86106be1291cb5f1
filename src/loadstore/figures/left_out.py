"""Figures that have nothing to show: the thresholds, and the list of figures that a page leaves out.

Test: tests/report/test_nothing.py.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from loadstore.errors import Undefined
from loadstore.figures.words import listed, plural, sentence
from loadstore.views.model import Figure, View, figure, table

CHANGE = 0.01  # a cut that changes the measured attention and prediction by less shows nothing
PAIRS = 5  # pairs of writers that a walk draws one by one; one bar is the sum of all others
_Site = TypeVar("_Site")
_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A figure left out of a page, and the reason.

    Args:
        number: Its name, and on a page its number.
        title: Its title.
        reason: Why it would show nothing.
    """

    number: str
    title: str
    reason: str


def shows(attention: tuple[float, float], prediction: tuple[float, float]) -> bool:
    """Return whether a cut has something to show.

    Args:
        attention: The measured attention before and after the cut.
        prediction: The probability of the measured prediction before and after the cut.

    Returns:
        True if either changes by ``CHANGE`` or more.
    """
    return max(_change(attention), _change(prediction)) >= CHANGE


def _change(values: tuple[float, float]) -> float:
    return round(abs(values[1] - values[0]), 9)  # .51 − .50 is the threshold, not below it


def defined(
    name: str, title: str, sites: Sequence[_Site], compute: Callable[[_Site], _Result]
) -> tuple[dict[_Site, _Result], list[LeftOut]]:
    """Compute a result for every site of a figure that has one.

    Args:
        name: The name of the figure.
        title: The title of the figure.
        sites: What the figure is about.
        compute: Returns the result of a site, or raises Undefined.

    Returns:
        The results by site, and for every other site the reason why it has none.
    """
    results: dict[_Site, _Result] = {}
    left: list[LeftOut] = []
    for site in sites:
        try:
            results[site] = compute(site)
        except Undefined as reason:
            left.append(LeftOut(name, title, sentence(reason)))
    return results, left


def leads(best: float, rest: float) -> bool:
    """Return whether the best pair of a walk exceeds the sum of the pairs drawn as "other".

    Args:
        best: The part of the strongest pair of writers, in nats.
        rest: The sum of the pairs that are not drawn one by one, in nats.

    Returns:
        True if the part is larger than the size of the sum.
    """
    return best > abs(rest)


def left_out_figure(left: Sequence[LeftOut]) -> Figure:
    """Draw the list of figures that have nothing to show."""
    claim = (
        f"{'One figure has' if len(left) == 1 else f'{len(left)} figures have'} nothing to show for this model and "
        "this question."
    )
    return figure("Left out", "Figures with nothing to show", claim, [_listed("Figures that were left out", left)])


def quick_figure(left: Sequence[LeftOut]) -> Figure:
    """Draw the list of sections that a quick report leaves out."""
    return figure("Quick", "Sections that take long", quick_words(left), [_listed("What --quick leaves out", left)])


def quick_words(left: Sequence[LeftOut]) -> str:
    """A sentence on the sections that a quick report leaves out, and how to get them."""
    names = listed([f"“{part.number}”" for part in left])
    return f"--quick leaves out {plural(len(left), 'section')}: {names}. The same command without --quick draws them."


def _listed(title: str, left: Sequence[LeftOut]) -> View:
    columns = (("figure", "what", None), ("reason", "why it is left out", None))
    return table(title, columns, [[f"{part.number}: {part.title}", part.reason] for part in left])
