"""Writing a file whole or not at all."""

import os
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from loadstore.errors import BadRequest


@contextmanager
def replacing(path: Path) -> Generator[Path]:
    """Yield a path beside ``path`` to write to; on success it is synced and moved into place.

    A kill leaves the old file or the new one, never half of one. Raises BadRequest when the disk refuses.
    """
    if not path.name or path.is_dir():
        raise BadRequest(f"{str(path)!r} is not the name of a file to write; give one")
    partial = path.parent / f".{os.getpid()}.part"
    try:
        yield partial
        with partial.open("rb") as file:
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        reason = error.strerror or str(error)
        raise BadRequest(f"{path} cannot be written: {reason}; choose another place or make room") from None
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
