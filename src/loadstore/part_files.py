"""Part files: a file is written under a temporary name in its target's folder, then moved into place.

A part's name cannot be predicted, and its writer holds a lock on it. The kernel releases the lock when the writer ends
in any way. An unlocked part was therefore left by a killed writer, and the next writer in the folder removes it.
"""

import fcntl
import os
import stat
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex

PREFIX, SUFFIX = ".loadstore-", ".part"
OLD = 86_400.0  # seconds after which a part counts as abandoned if the file system has no locks


@contextmanager
def new_part(folder: Path, mode: int) -> Generator[tuple[Path, int]]:
    """Yield the path of a new, empty part in a folder and the handle that holds its lock; remove it afterwards.

    Raises OSError if the folder does not accept it.
    """
    clear(folder)
    part, handle, held = _name(folder), -1, False
    try:
        while not held:
            handle = os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
            # Between these two lines another process may mistake the part for an abandoned one, and remove it.
            held = _locked(handle) is not False and os.fstat(handle).st_nlink > 0
            if not held:
                os.close(handle)
                part, handle = _name(folder), -1
        yield Path(part), handle
    finally:
        # No call before this one, so that no signal comes between. A part that was moved into place is not there.
        try:  # noqa: SIM105
            os.unlink(part)
        except OSError:
            pass
        if handle >= 0:
            os.close(handle)


def _name(folder: Path) -> str:
    """A path as a string: to unlink a Path calls its ``__fspath__`` first."""
    return str(folder / f"{PREFIX}{token_hex(8)}{SUFFIX}")


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
