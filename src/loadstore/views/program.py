"""The view model of a program: lines of loads and stores, with links between steps."""

from collections.abc import Sequence
from typing import Any

from loadstore.views.model import View


def line(
    site: str,
    op: str,
    place: str,
    parts: Sequence[tuple[str, int | None]],
    comment: str = "",
    mark: str = "",
    step: int | None = None,
) -> dict[str, Any]:
    """One line; ``step``: its number as a step, ``parts`` a text and the number of the step that it names."""
    operands = [{"text": text, "step": number} for text, number in parts]
    return {
        "site": site,
        "op": op,
        "place": place,
        "parts": operands,
        "comment": comment,
        "mark": mark,
        "step": step,
    }


def program(title: str, rows: Sequence[dict[str, Any]]) -> View:
    """A program from its lines."""
    return {"schema": "loadstore/program@1", "title": title, "rows": list(rows)}
