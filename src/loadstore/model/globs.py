"""Which sites a glob names."""

import fnmatch
from collections.abc import Callable, Sequence
from typing import TypeVar

from loadstore.errors import NoSuchSite
from loadstore.sites import Reader, Writer

Site = TypeVar("Site", Writer, Reader)


def matching(sites: Sequence[Site], globs: str | Sequence[str], named: Callable[[str], Site]) -> list[Site]:
    """Return the sites that match one of the globs, in depth order; a name without wildcards must exist.

    Raises NoSuchSite: where a glob matches nothing, and for an empty list of globs.
    """
    wanted: set[Site] = set()
    names = [globs] if isinstance(globs, str) else globs
    if not names:
        raise NoSuchSite("an empty list of globs names no site; '*' names all")
    for glob in names:
        if not set(glob) & set("*?["):
            wanted.add(named(glob))
            continue
        found = [site for site in sites if fnmatch.fnmatchcase(str(site), glob)]
        if not found:
            raise NoSuchSite(f"nothing matches {glob!r}; there are {sites[0]} … {sites[-1]}")
        wanted |= set(found)
    return [site for site in sites if site in wanted]
