"""Part files: a file is written under a temporary name in its target's folder, then moved into place.

A part's name cannot be predicted, and its writer holds a lock on it. The kernel releases the lock when the writer ends
in any way. An unlocked part was therefore left by a killed writer, and the next writer in the folder removes it.
"""

import fcntl
import os
import stat
import time
from contextlib import suppress
from pathlib import Path
from secrets import token_hex

PREFIX, SUFFIX = ".loadstore-", ".part"
OLD = 86_400.0  # seconds after which a part counts as abandoned if the file system has no locks


def new_part(folder: Path, mode: int) -> tuple[Path, int]:
    """Make an empty part in a folder, and return its path and the handle that holds its lock.

    Raises OSError if the folder does not accept it.
    """
    clear(folder)
    while True:
        part = folder / f"{PREFIX}{token_hex(8)}{SUFFIX}"
        handle = os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
        # Between these two lines another process may mistake the part for an abandoned one, and remove it.
        if _locked(handle) is not False and os.fstat(handle).st_nlink:
            return part, handle
        os.close(handle)


def clear(folder: Path) -> None:
    """Remove the parts that killed writers of this user left in a folder."""
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(PREFIX) and entry.name.endswith(SUFFIX):
                with suppress(OSError):
                    _remove_if_left(entry.path)


def _remove_if_left(path: str) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        there = os.fstat(handle)
        if stat.S_ISREG(there.st_mode) and there.st_uid == os.geteuid():
            locked = _locked(handle)
            if locked or (locked is None and time.time() - there.st_mtime > OLD):
                os.unlink(path)
    finally:
        os.close(handle)


def _locked(handle: int) -> bool | None:
    """Lock a file; False if another handle holds its lock, None if the file system has no locks."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True
