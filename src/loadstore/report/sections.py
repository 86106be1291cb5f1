"""A section of a page."""

from typing import Any

from loadstore.views.model import Figure


def section(name: str, title: str, text: str, figures: list[Figure]) -> dict[str, Any]:
    """A titled run of figures with a sentence in front."""
    return {"id": name, "title": title, "lead": text, "figures": figures}
