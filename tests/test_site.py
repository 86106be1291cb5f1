"""The site of the documentation builds without a network, and none of its links is broken."""

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from public import public

ROOT = Path(__file__).parent.parent
LINKS = {"a": "href", "link": "href", "script": "src", "img": "src"}


class Page(HTMLParser):
    """The links of a page, and the places in it that links may name."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[tuple[str, str]] = []
        self.ids: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = {name: value or "" for name, value in attrs}
        self.ids |= {known[name] for name in ("id", "name") if name in known}
        if tag in LINKS and LINKS[tag] in known:
            self.links.append((tag, known[LINKS[tag]]))


@pytest.mark.nightly  # 20 seconds
def test_the_site_builds_offline_and_no_link_is_broken(tmp_path: Path) -> None:
    site = tmp_path / "site"
    command = [
        sys.executable,
        "-m",
        "mkdocs",
        "build",
        "--strict",
        "-q",
        "-d",
        str(site),
        "-f",
        str(ROOT / "mkdocs.yml"),
    ]
    nowhere = "http://127.0.0.1:9"  # whoever asks a network fails
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1", "http_proxy": nowhere, "https_proxy": nowhere}
    built = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600, env=environment)
    assert built.returncode == 0, built.stdout + built.stderr
    pages = {path: Page(path.read_text(encoding="utf-8")) for path in site.rglob("*.html") if path.name != "404.html"}
    assert {f"reference/{name}.html" for name in public()} <= {str(path.relative_to(site)) for path in pages}
    broken, loaded = [], []
    for path, page in pages.items():
        for tag, link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                loaded += [(str(path), link)] if tag != "a" else []
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            missing = not target.is_file() or (
                target in pages and parts.fragment and unquote(parts.fragment) not in pages[target].ids | {"__skip"}
            )
            broken += [(str(path.relative_to(site)), link)] if missing else []
    assert broken == []
    assert loaded == []  # scripts, styles and pictures are the site's own
    assert not re.search(r"https?://(?!squidfunk|127)", (site / "assets" / "worker-on-disk.js").read_text())
