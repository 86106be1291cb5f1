"""The only code that writes files: atomically, and only where nothing but an older result is lost."""

import errno
import os
import shutil
import stat
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from loadstore.errors import BadRequest
from loadstore.part_files import new_part
from loadstore.reading import is_read

FULL = (errno.ENOSPC, errno.EDQUOT)
OTHER = "choose a folder that you may write to"
REMEDIES = {
    errno.ENOENT: "make its folder first, or choose another",
    errno.ENOTDIR: "a folder on the way to it is a file; choose another",
    errno.ENAMETOOLONG: "choose a shorter name",
    **dict.fromkeys((errno.EACCES, errno.EPERM, errno.EROFS), OTHER),
}
KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
}


def check_target(path: Path) -> None:
    """Raise BadRequest now if ``replacing`` would, before the result for this file is computed."""
    _replaceable(path)
    try:
        with new_part(path.parent, 0o600):
            pass
    except OSError as error:
        raise _refusal(path, error, None) from None


@contextmanager
def replacing(path: Path, needed: int | None = None, *, even_read: bool = False) -> Generator[Path]:
    """Yield a path next to ``path`` to write to. On success, sync it and move it into place, with the old file's mode.

    A kill leaves the old file or the new one, never half of one.

    Args:
        path: A new name, or a regular file that may be written; a link is not followed.
        needed: Bytes of the file, for the message if the disk refuses them.
        even_read: Replace also a file that this process reads.

    Raises:
        BadRequest: ``path`` is anything else, or the disk refuses.
    """
    before = _replaceable(path, even_read=even_read)
    try:
        # A new file gets the umask's mode. Whoever could not read the old file cannot read the new content either.
        with new_part(path.parent, 0o666 if before is None else 0o600) as (part, handle):
            yield part
            if not os.path.samestat(os.fstat(handle), part.lstat()):
                raise BadRequest(f"{path} was not written: another program replaced {part} meanwhile; run it again")
            if before is not None:
                _take_over(handle, before)
            os.fsync(handle)
            _replaceable(path, even_read=even_read)
            part.replace(path)
            _sync_folder(path.parent)
    except OSError as error:
        raise _refusal(path, error, needed) from None


def write_whole(path: Path, *data: bytes | memoryview) -> None:
    """Replace a file by ``data``, concatenated, atomically. Raises BadRequest as ``replacing`` does."""
    with replacing(path, sum(len(piece) for piece in data)) as part, part.open("r+b") as file:
        for piece in data:
            file.write(piece)


def append_whole(path: Path, data: bytes) -> None:
    """Add ``data`` to the end of a file and sync it. If the disk refuses, the file keeps its old length.

    Raises BadRequest as ``replacing`` does. A kill or a power cut may leave a part of ``data``.
    """
    _replaceable(path)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
        # unbuffered, because closing a buffered file would write the refused rest once more
        with open(handle, "ab", buffering=0) as file:
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


def _replaceable(path: Path, *, even_read: bool = False) -> os.stat_result | None:
    """Return the regular file at ``path``, None if there is none. Raises BadRequest if it must not be replaced."""
    if not path.name:
        raise BadRequest(f"{str(path)!r} is not the name of a file to write; give one")
    try:
        there = path.lstat()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _refusal(path, error, None) from None
    except ValueError:
        raise BadRequest(
            f"{str(path)!r} is not the name of a file to write: it contains a NUL character; name another"
        ) from None
    if not stat.S_ISREG(there.st_mode):
        kind = KINDS.get(stat.S_IFMT(there.st_mode), "not a regular file")
        led = f" to {os.readlink(path)}" if stat.S_ISLNK(there.st_mode) else ""
        raise BadRequest(f"{path} is {kind}{led}; only a regular file can be replaced: name one, or a new file")
    if not even_read and is_read(there):
        raise BadRequest(f"{path} is a file that this run reads, so it is not overwritten; name another")
    if not os.access(path, os.W_OK, effective_ids=os.access in os.supports_effective_ids):
        raise BadRequest(f"{path} is write-protected, so it is not replaced; name another file, or chmod u+w it")
    return there


def _take_over(handle: int, before: os.stat_result) -> None:
    """Give a new file the permissions of the file that it replaces, and its owner if that is allowed."""
    own = os.fstat(handle)
    if (own.st_uid, own.st_gid) != (before.st_uid, before.st_gid):
        with suppress(OSError):
            os.fchown(handle, before.st_uid, before.st_gid)
    os.fchmod(handle, stat.S_IMODE(before.st_mode) & 0o777)


def _sync_folder(folder: Path) -> None:
    """Make a rename durable. Best effort: file systems without directory fsync are ignored."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _refusal(path: Path, error: OSError, needed: int | None) -> BadRequest:
    """Return the error with file, reason and remedy. For a full disk it gives the bytes needed and free."""
    facts = [f"it needs {_size(needed)}"] if needed is not None and error.errno in (*FULL, errno.EFBIG) else []
    if error.errno in FULL:
        with suppress(OSError):
            facts.append(f"{_size(shutil.disk_usage(path.parent).free)} are free there")
    detail = f" ({', '.join(facts)})" if facts else ""
    remedy = REMEDIES.get(error.errno or 0, "choose another place or make room")
    return BadRequest(f"{path} cannot be written: {error.strerror or error}{detail}; {remedy}")


def _size(count: int) -> str:
    """A readable size."""
    return f"{count / 1e6:.1f} MB" if count >= 1e5 else f"{count / 1e3:.1f} kB"
