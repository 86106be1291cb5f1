"""The output of a notebook cell: a self-contained page in a frame, which can be saved.

A still picture of the page accompanies the frame. GitHub, e-mail and pages without scripts show only the picture; a
frame that draws its page hides it (``embed.ts`` in the web source).
"""

import base64
import html
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loadstore.atomic import replacing
from loadstore.figures.still.still import still
from loadstore.views.page import render_page
from loadstore.visible import line

HEIGHT = 420  # pixels until the page reports its height, or if the frame cannot be resized


@dataclass(frozen=True, eq=False)
class Shown:
    """A ``loadstore/page@1`` document as a notebook shows it; ``print`` gives its title and claims."""

    document: dict[str, Any]

    @property
    def html(self) -> str:
        """The whole page, figures only: one file without external requests."""
        return render_page(self.document | {"compact": True})

    def save(self, path: str | Path) -> Path:
        """Write the page atomically and return its path. Raises BadRequest if it cannot be written."""
        with replacing(Path(path)) as partial:
            partial.write_text(self.html, encoding="utf-8")
        return Path(path)

    def _repr_html_(self) -> str:
        """The still picture, and the page in a frame of the notebook's width, which sets its height."""
        title = html.escape(line(self.document["title"]))
        page = self.html.replace("&", "&amp;").replace("'", "&#39;")  # a page has fewer ' than "
        still_picture = self.svg
        picture = "" if still_picture is None else _image(still_picture, title)
        return (
            f'{picture}<iframe title="{title}" width="100%" height="{HEIGHT}" '
            f"style=\"border:0;width:100%\" srcdoc='{page}'></iframe>"
        )

    @property
    def svg(self) -> str | None:
        """The page as one still SVG; None if it has no view that can be drawn without a script."""
        return still(self.document)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """The page, the still picture if there is one, and the text."""
        picture = self.svg
        drawn = {} if picture is None else {"image/svg+xml": picture}
        return {"text/html": self._repr_html_(), **drawn, "text/plain": repr(self)}

    def __repr__(self) -> str:
        claims = [figure["claim"] for section in self.document["sections"] for figure in section["figures"]]
        return "\n".join([line(self.document["title"]), *(f"  {line(claim)}" for claim in claims if claim)])


def _image(svg: str, title: str) -> str:
    """The still picture as an image with embedded data."""
    data = base64.b64encode(svg.encode()).decode()
    return f'<img class="loadstore-still" alt="{title}" src="data:image/svg+xml;base64,{data}">'
