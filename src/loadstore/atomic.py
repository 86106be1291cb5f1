"""Writing a file whole or not at all."""

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from loadstore.errors import BadRequest


@contextmanager
def replacing(path: Path) -> Generator[Path]:
    """Yield a path beside ``path`` to write to; on success it is synced and moved into place.

    A kill leaves the old file or the new one, never half of one. Raises BadRequest when the disk refuses.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield partial
        with partial.open("rb") as file:
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        raise BadRequest(f"{path} cannot be written: {error}; choose another place or make room") from None
    finally:
        partial.unlink(missing_ok=True)
