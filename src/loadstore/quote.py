"""Text from a file or a library, made safe for one line of an error message."""

import re

from loadstore.visible import shown

MOST = 160
# Spaces of all kinds, tabs and line feeds. str.split would also silently drop control characters such as U+0085.
_SPACE = re.compile(r"[ \t\r\n\xa0\u1680\u2000-\u200a\u202f\u205f\u3000]+")


def quote(text: object, most: int = MOST) -> str:
    """One line without hidden characters, at most ``most`` long, so no untrusted name floods or controls a terminal."""
    safe = shown(_SPACE.sub(" ", str(text)).strip(" ")[: most + 1])
    return safe if len(safe) <= most else safe[: most - 1] + "…"


def some(names: list[str], most: int = 5) -> str:
    """The first few names and the count of the rest."""
    shown = [quote(name, 60) for name in names[:most]]
    return ", ".join(shown if len(names) <= most else [*shown, f"and {len(names) - most} more"])


def one_of(names: tuple[str, ...]) -> str:
    """``'a', 'b' or 'c'``, for messages."""
    return f"{', '.join(repr(name) for name in names[:-1])} or {names[-1]!r}"
