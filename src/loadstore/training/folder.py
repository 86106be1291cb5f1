"""A run's folder belongs to one process at a time."""

import fcntl
import re
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from loadstore.errors import BadRequest

LOCK = ".lock"
PARTIAL = re.compile(r"\.\d+\.part")


def make_folder(folder: Path) -> None:
    """Make the folder of a run. Raises BadRequest where that cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadRequest(f"{folder} cannot hold a run: {error.strerror or error}; choose another folder") from None


@contextmanager
def claimed(folder: Path) -> Generator[None]:
    """Hold the folder, made if need be, and clear away what killed writers left in it.

    The kernel lets go of it when the process ends, however it ends. Raises BadRequest when another process
    trains there, or when the folder cannot be used.
    """
    make_folder(folder)
    try:
        lock = (folder / LOCK).open("wb")
    except OSError as error:
        raise BadRequest(f"{folder} cannot hold a run: {error.strerror or error}; choose another folder") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise BadRequest(
                f"another process is training in {folder}; wait for it, stop it, or choose another folder"
            ) from None
        for left in folder.iterdir():
            if PARTIAL.fullmatch(left.name):
                left.unlink(missing_ok=True)
        yield
