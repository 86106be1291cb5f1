"""Finds the sites that match a glob."""

import fnmatch
import re
from collections.abc import Callable, Sequence
from difflib import SequenceMatcher
from typing import TypeVar

from loadstore.errors import NoSuchSite
from loadstore.quote import quote
from loadstore.sites import Reader, Writer

Site = TypeVar("Site", Writer, Reader)
NEAREST = 3  # names in an error message


def is_glob(name: str) -> bool:
    """Whether a name has wildcards."""
    return bool(set(name) & set("*?["))


def matching(sites: Sequence[Site], globs: str | Sequence[str], named: Callable[[str], Site]) -> list[Site]:
    """Return the sites that match one of the globs, in depth order; a name without wildcards must exist.

    A head matches in each of its spellings and in either case: ``L1.H*``, ``l1h*``, ``1.*``.
    Raises NoSuchSite if the list is empty, or if a glob matches nothing (with the nearest sites).
    """
    wanted: set[Site] = set()
    names = [globs] if isinstance(globs, str) else globs
    if not names:
        raise NoSuchSite("an empty list of globs names no site; '*' names all")
    for glob in names:
        if not is_glob(glob):
            wanted.add(named(glob))
            continue
        matches = [site for site in sites if _matches(site, glob.strip().lower())]
        if not matches:
            raise NoSuchSite(
                f"nothing matches {quote(repr(glob), 60)}; there are {sites[0]} … {sites[-1]}. "
                f"Nearest: {', '.join(_nearest(sites, glob))}."
            )
        wanted |= set(matches)
    return [site for site in sites if site in wanted]


def _matches(site: Writer | Reader, glob: str) -> bool:
    name = str(site).lower()
    if fnmatch.fnmatchcase(name, glob):
        return True
    if site.index < 0:
        return False
    short = name.replace(".h", "h", 1), name.replace(".h", ".", 1).removeprefix("l")
    return any(fnmatch.fnmatchcase(other, glob) for other in short)


def _nearest(sites: Sequence[Writer | Reader], glob: str) -> list[str]:
    """The sites nearest to a glob: by layer first, then by similarity of name."""
    number = re.match(r"[lL]?(\d{1,4})", glob)
    layer, bare = int(number[1]) if number else None, re.sub(r"[*?]", "", glob[:60])

    def distance(site: Writer | Reader) -> tuple[int, float]:
        return 0 if layer is None else abs(site.layer - layer), -SequenceMatcher(None, bare, str(site)).ratio()

    return [str(site) for site in sorted(sites, key=distance)[:NEAREST]]
