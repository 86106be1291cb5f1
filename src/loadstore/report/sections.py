"""A section of a page, and the list of the figures that all sections left out."""

from collections.abc import Sequence
from typing import Any

from loadstore.report.nothing import LeftOut, left_out_figure
from loadstore.views.model import Figure


def section(name: str, title: str, text: str, figures: Sequence[Figure | LeftOut]) -> dict[str, Any]:
    """A titled run of figures with a sentence in front; those that it leaves out are kept beside them."""
    return {
        "id": name,
        "title": title,
        "lead": text,
        "figures": [one for one in figures if not isinstance(one, LeftOut)],
        "left": [one for one in figures if isinstance(one, LeftOut)],
    }


def finished(sections: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The sections that have figures, and a last one that lists the figures left out, where there are any."""
    left = [one for part in sections for one in part["left"]]
    shown = [{name: value for name, value in part.items() if name != "left"} for part in sections if part["figures"]]
    if left:
        told = "A figure that would be empty, or would draw two equal pictures, is not drawn."
        shown.append({"id": "left-out", "title": "Left out", "lead": told, "figures": [left_out_figure(left)]})
    return shown
