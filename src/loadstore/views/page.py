"""One self-contained page: a `loadstore/page@1` document and the bundle that draws it.

The page works from a file, offline and in an `<iframe srcdoc>`: it makes no requests. Its
Content-Security-Policy allows exactly its one script and one style sheet, by their hashes.
The bundle is built from `web/` (`npm run build`) and committed.
"""

import base64
import hashlib
import html
from importlib.resources import files
from typing import Any

from loadstore.views.base import plain
from loadstore.views.figures import Page
from loadstore.visible import dumps, everywhere, line

ESCAPES = {ord(character): f"\\u{ord(character):04x}" for character in "<>&"}
"""Characters that could end a script element; only strings of JSON can hold them."""

TEMPLATE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<link rel="icon" href="data:,">
<style>{style}</style>
</head>
<body>
<main id="loadstore"></main>
<noscript><p class="noscript">This page draws its figures with JavaScript, from the data that it carries; \
please allow scripts for it. Nothing is loaded from anywhere else.</p></noscript>
<script type="application/json" id="loadstore-data">{data}</script>
<script>{script}</script>
</body>
</html>
"""


def render_page(page: Page | dict[str, Any]) -> str:
    """The HTML of a page, or of its JSON.

    Raises ValueError for a NaN or an infinity among the numbers: views write these as the words
    "nan", "inf" and "-inf", and impossible cells as None.
    """
    document: dict[str, Any] = plain(page)
    script, style = _bundled("loadstore.js"), _bundled("loadstore.css")
    return TEMPLATE.format(
        policy=_policy(script, style),
        title=html.escape(line(document.get("title", "loadstore"))),
        style=style,
        data=_inert(document),
        script=script,
    )


def _policy(script: str, style: str) -> str:
    """A policy that allows only this script, this style sheet, and pictures made in the page."""
    return (
        f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )


def _inert(document: dict[str, Any]) -> str:
    """JSON without hidden characters, whose texts cannot end the script: `</script>` in a prompt stays a string."""
    return dumps(everywhere(document), compact=True).translate(ESCAPES)


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _bundled(name: str) -> str:
    """A file of the bundle, without the final newline, which HTML would include in the hash."""
    return files("loadstore.views").joinpath("bundle", name).read_text(encoding="utf-8").strip()
