"""A run's folder belongs to one process at a time, and a run writes over nothing in it that is not its own.

``.lock`` is held by the process that trains. Its first line marks the folder as a run's; the other lines name the
files that the run writes.
"""

import fcntl
import os
import stat
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from loadstore.errors import BadRequest
from loadstore.part_files import PREFIX, SUFFIX, clear
from loadstore.quote import quote, some

LOCK = ".lock"
MARK = "loadstore run 1"


@contextmanager
def claimed(folder: Path, *, overwrite: bool = False) -> Generator[None]:
    """Hold the folder, made if need be, and clear away what killed writers left in it.

    The kernel lets go of it when the process ends, however it ends. Raises BadRequest when another process trains
    there, when the folder cannot be used, and when it holds files but no run. With ``overwrite`` it is taken all the
    same, and files that have a name that the run needs are replaced.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        existed = os.path.lexists(folder / LOCK)
        handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o666)
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            os.close(handle)
            raise ValueError(f"its {LOCK} is not a regular file")
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise BadRequest(f"{quote(folder)} cannot hold a run: {why}; choose another folder") from None
    with os.fdopen(handle, "r+b"):
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise BadRequest(
                f"another process is training in {folder}; wait for it, stop it, or choose another folder"
            ) from None
        clear(folder)
        ours = _names(folder)
        held = os.fstat(handle).st_size > 0
        there = sorted(name for name in os.listdir(folder) if not _is_part(name) and (held or name != LOCK))
        if ours is None and there and not overwrite:
            if not existed:
                (folder / LOCK).unlink()
            raise BadRequest(
                f"{folder} holds files but no run of this version of loadstore ({some(there)}); choose another folder, "
                "or --overwrite to train there and to replace files that have the name of a run's file"
            )
        if ours is None or overwrite:
            _write(handle, [*(ours or []), *(there if overwrite else [])])
        yield


def own(folder: Path, *names: str) -> None:
    """Note that the run of a folder writes these files. Raises BadRequest for one that is there and not the run's."""
    ours = _names(folder) or []
    new = [name for name in names if name not in ours]
    for name in new:
        if os.path.lexists(folder / name):
            raise BadRequest(
                f"{folder / name} was not written by the run in this folder, so it is not replaced; move it away, or "
                "--overwrite"
            )
    if new:
        with (folder / LOCK).open("r+b") as lock:
            _write(lock.fileno(), [*ours, *new])


def _names(folder: Path) -> list[str] | None:
    """The names of a run's files, or None where the folder is not marked as a run's."""
    mark, *names = (folder / LOCK).read_text(encoding="utf-8", errors="surrogateescape").split("\n")
    return [name for name in names if name] if mark == MARK else None


def _write(handle: int, names: list[str]) -> None:
    """Write the mark and the names; in place, for the lock is on this file."""
    text = "\n".join([MARK, *dict.fromkeys(name for name in names if "\n" not in name), ""])
    data = text.encode(errors="surrogateescape")
    os.pwrite(handle, data, 0)
    os.ftruncate(handle, len(data))


def _is_part(name: str) -> bool:
    return name.startswith(PREFIX) and name.endswith(SUFFIX)
