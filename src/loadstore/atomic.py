"""Writing a file whole or not at all."""

import errno
import os
import shutil
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from loadstore.errors import BadRequest

FULL = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def replacing(path: Path, needed: int | None = None) -> Generator[Path]:
    """Yield a path beside ``path`` to write to; on success it is synced and moved into place.

    A kill leaves the old file or the new one, never half of one. Raises BadRequest when the disk refuses, naming
    the ``needed`` bytes if they are known.
    """
    if not path.name or path.is_dir():
        raise BadRequest(f"{str(path)!r} is not the name of a file to write; give one")
    partial = path.parent / f".{os.getpid()}.part"
    try:
        partial.touch()  # a folder that refuses does so before the work
        yield partial
        with partial.open("rb") as file:
            os.fsync(file.fileno())
        partial.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        raise _refusal(path, error, needed, occupied=partial) from None
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def write_whole(path: Path, data: bytes | memoryview) -> None:
    """Replace a file by ``data``, whole or not at all. Raises BadRequest as ``replacing`` does."""
    with replacing(path, len(data)) as partial:
        partial.write_bytes(data)


def append_whole(path: Path, data: bytes) -> None:
    """Add ``data`` to the end of a file and sync it; what a refusing disk took of it is cut off again.

    Raises BadRequest as ``replacing`` does. A kill or a power cut may leave a part of ``data``.
    """
    try:
        # Unbuffered: closing a buffered file would write the refused rest once more.
        with path.open("ab", buffering=0) as file:
            before = file.tell()
            try:
                rest = memoryview(data)
                while rest:
                    rest = rest[file.write(rest) :]
                os.fsync(file.fileno())
            except OSError:
                with suppress(OSError):
                    file.truncate(before)
                raise
    except OSError as error:
        raise _refusal(path, error, len(data)) from None


def _sync_folder(folder: Path) -> None:
    """Make a new name survive a power cut; some file systems cannot, which is no reason to fail."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _refusal(path: Path, error: OSError, needed: int | None, occupied: Path | None = None) -> BadRequest:
    """Say which file, why, how much was needed and how much there is; what a part occupies will be free again."""
    facts = [] if needed is None else [f"it needs {_size(needed)}"]
    if error.errno in FULL:
        with suppress(OSError):
            free = shutil.disk_usage(path.parent).free
            if occupied is not None and occupied.exists():
                free += occupied.stat().st_blocks * 512
            facts.append(f"{_size(free)} are free there")
    told = f" ({', '.join(facts)})" if facts else ""
    return BadRequest(f"{path} cannot be written: {error.strerror or error}{told}; choose another place or make room")


def _size(count: int) -> str:
    """Bytes for a person."""
    return f"{count / 1e6:.1f} MB" if count >= 1e5 else f"{count / 1e3:.1f} kB"
