"""The files that this process reads; a writer must never replace them."""

import os
from pathlib import Path

_paths: dict[tuple[int, int], set[str]] = {}  # from device and inode to the paths under which they were opened


def reads(path: Path) -> None:
    """Record that this process reads a file. A missing file is ignored, since opening it reports that."""
    try:
        there = path.stat()
    except (OSError, ValueError):
        return
    _paths.setdefault((there.st_dev, there.st_ino), set()).add(os.path.abspath(path))


def is_read(there: os.stat_result) -> bool:
    """Whether this process reads the file, under any of its names.

    An inode number is reused once the old file is gone, so one of the recorded paths must still lead to it.
    """
    return any(_leads(path, there) for path in _paths.get((there.st_dev, there.st_ino), ()))


def _leads(path: str, there: os.stat_result) -> bool:
    try:
        return os.path.samestat(os.stat(path), there)
    except OSError:
        return False
