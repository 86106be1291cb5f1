"""Text that came from a file or a library, made fit for one line of an error message."""

MOST = 160


def quote(text: object, most: int = MOST) -> str:
    """One line of printable characters, at most ``most``: a hostile name can neither flood nor steer a terminal."""
    line = " ".join(str(text).split())
    safe = "".join(mark if mark.isprintable() else ascii(mark)[1:-1] for mark in line[: most + 1])
    return safe if len(safe) <= most else safe[: most - 1] + "…"


def some(names: list[str], most: int = 5) -> str:
    """The first few names, and how many there are besides."""
    shown = [quote(name, 60) for name in names[:most]]
    return ", ".join(shown if len(names) <= most else [*shown, f"and {len(names) - most} more"])
