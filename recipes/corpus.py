"""Make the text of the built-in model: the Python documentation, the King James Bible, WordNet's glosses.

    python recipes/corpus.py corpus/

Needs a Debian or Ubuntu machine (apt-get, dpkg-deb) and its packages ``python3.11-doc`` (PSF licence),
``bible-kjv`` with ``bible-kjv-text`` (public domain text) and ``wordnet-base`` (WordNet licence). Writes one
file a document: a chapter, a page of the documentation, or forty neighbouring synsets.
"""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

PACKAGES = ("python3.11-doc", "bible-kjv", "bible-kjv-text", "wordnet-base")
GLOSSES_A_DOCUMENT = 40


def unpack(into: Path) -> None:
    """Download the packages and unpack them without installing anything."""
    subprocess.run(["apt-get", "download", "-qq", *PACKAGES], cwd=into, check=True, stderr=subprocess.DEVNULL)
    for package in sorted(into.glob("*.deb")):
        subprocess.run(["dpkg-deb", "-x", package, into / "root"], check=True)


def documentation(root: Path) -> Iterator[tuple[str, str]]:
    """Every page's reStructuredText source."""
    sources = root / "usr/share/doc/python3.11/html/_sources"
    for page in sorted(sources.rglob("*.rst.txt")):
        name = str(page.relative_to(sources)).removesuffix(".rst.txt").replace("/", "-")
        yield f"python-{name}", page.read_text(encoding="utf-8", errors="replace")


def bible(root: Path) -> Iterator[tuple[str, str]]:
    """Every chapter, verse numbers left out, as running text."""
    environment = os.environ | {"BIBLELIB": str(root / "usr/lib")}
    data = root / "usr/lib"
    command = [str(root / "usr/bin/bible"), "-f", "-p", str(data), "Gen1:1-Rev22:21"]
    lines = subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout.splitlines()
    chapters: dict[str, list[str]] = {}
    for line in lines:
        if verse := re.match(r"(\w+?\d+):\d+ (.*)", line):
            chapters.setdefault(verse[1], []).append(verse[2])
    for chapter, verses in chapters.items():
        yield f"bible-{chapter}", "\n".join(verses) + "\n"


def wordnet(root: Path) -> Iterator[tuple[str, str]]:
    """Synsets as ``words: gloss``, forty to a document."""
    for part in ("noun", "verb", "adj", "adv"):
        synsets: list[str] = []
        for line in (root / "usr/share/wordnet" / f"data.{part}").read_text(encoding="utf-8").splitlines():
            if line.startswith("  "):
                continue
            head, _, gloss = line.partition(" | ")
            columns = head.split()
            words = [columns[4 + 2 * i] for i in range(int(columns[3], 16))]
            names = ", ".join(re.sub(r"\(\w+\)$", "", word).replace("_", " ") for word in words)
            synsets.append(f"{names}: {gloss.strip()}\n")
        for start in range(0, len(synsets), GLOSSES_A_DOCUMENT):
            yield f"wordnet-{part}-{start:06d}", "".join(synsets[start : start + GLOSSES_A_DOCUMENT])


def main(folder: str) -> None:
    """Write every document into ``folder``."""
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        unpack(Path(scratch))
        root = Path(scratch) / "root"
        for source in (documentation, bible, wordnet):
            documents = list(source(root))
            for name, text in documents:
                (target / f"{name}.txt").write_text(text, encoding="utf-8")
            characters = sum(len(text) for _, text in documents)
            print(f"{source.__name__}: {len(documents)} documents, {characters / 1e6:.1f} M characters")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
