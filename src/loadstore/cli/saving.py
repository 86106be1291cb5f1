"""Writing what a command found, and never at the cost of printing it."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def saving(path: Path | None, write: Callable[[Path], None]) -> Generator[bool]:
    """Write to ``path`` if there is one, then let the caller print, and only then raise what refused the file.

    Yields False where the file was refused: what is printed is then all that is left of the result.
    """
    from loadstore.errors import BadRequest

    refused: BadRequest | None = None
    try:
        if path is not None:
            write(path)
    except BadRequest as error:
        refused = error
    yield refused is None
    if refused is not None:
        raise BadRequest(f"{refused}. The result was printed, but not written") from None
