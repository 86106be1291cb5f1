"""The files that this process reads: a writer must never replace one of them."""

import os
from pathlib import Path

_paths: dict[tuple[int, int], set[str]] = {}  # device and inode, and the paths under which they were opened


def reads(path: Path) -> None:
    """Remember that this process reads a file. A path that leads nowhere is ignored: who opens it reports that."""
    try:
        there = path.stat()
    except (OSError, ValueError):
        return
    _paths.setdefault((there.st_dev, there.st_ino), set()).add(os.path.abspath(path))


def is_read(there: os.stat_result) -> bool:
    """Whether a file is one that this process reads, under any of its names.

    An inode number is given to a new file once the old file is gone, so one of the paths must still lead to it.
    """
    return any(_leads(path, there) for path in _paths.get((there.st_dev, there.st_ino), ()))


def _leads(path: str, there: os.stat_result) -> bool:
    try:
        return os.path.samestat(os.stat(path), there)
    except OSError:
        return False
