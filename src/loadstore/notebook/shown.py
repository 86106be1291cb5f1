"""What a notebook cell displays: a page in a frame, that can be saved and that loads nothing."""

import html
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loadstore.atomic import replacing
from loadstore.views.page import render_page
from loadstore.visible import line

HEIGHT = 420  # pixels before the page reports its own height, or where the frame may not be touched


@dataclass(frozen=True, eq=False)
class Shown:
    """A ``loadstore/page@1`` document as a notebook shows it; ``print`` gives its title and what it claims."""

    document: dict[str, Any]

    @property
    def html(self) -> str:
        """The whole page, figures only: one file that makes no request."""
        return render_page(self.document | {"compact": True})

    def save(self, path: str | Path) -> Path:
        """Write the page atomically and return where. Raises BadRequest when it cannot be written."""
        with replacing(Path(path)) as partial:
            partial.write_text(self.html, encoding="utf-8")
        return Path(path)

    def _repr_html_(self) -> str:
        """The page in a frame of the notebook's width; the page sets the height."""
        title = html.escape(line(self.document["title"]))
        page = self.html.replace("&", "&amp;").replace("'", "&#39;")  # fewer of ' than of " in a page
        return (
            f'<iframe title="{title}" width="100%" height="{HEIGHT}" '
            f"style=\"border:0;width:100%\" srcdoc='{page}'></iframe>"
        )

    def __repr__(self) -> str:
        claims = [figure["claim"] for section in self.document["sections"] for figure in section["figures"]]
        return "\n".join([line(self.document["title"]), *(f"  {line(claim)}" for claim in claims if claim)])
