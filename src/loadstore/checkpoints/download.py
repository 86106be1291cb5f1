"""Downloads files into huggingface-hub's cache; sizes are limited before, and checked with hashes after."""

import hashlib
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from loadstore.checkpoints.hub_errors import refusal
from loadstore.checkpoints.repository import HubLocation, bounded
from loadstore.errors import BadCheckpoint, BadRequest
from loadstore.quote import quote
from loadstore.visible import line

DELAY = 2.0  # seconds before a progress bar appears
BLOCK = 1 << 20


@dataclass(frozen=True)
class Shelf:
    """The files of one repository: name → (bytes, hash), on the hub, or in the cache if the hub is unreachable."""

    where: HubLocation
    files: dict[str, tuple[int | None, str | None]]
    commit: str | None = None
    folder: Path | None = None

    def get(self, name: str) -> Path:
        """The file in the cache, downloaded if missing. Raises BadRequest or BadCheckpoint with the reason."""
        if self.folder is not None:
            return self.folder / name
        import huggingface_hub as hub

        size, expected = self.files[name]
        bounded(name, size, self.where)
        had = hub.try_to_load_from_cache(self.where.repository, name, revision=self.commit)
        with quiet():
            try:
                path = Path(
                    hub.hf_hub_download(self.where.repository, name, revision=self.where.revision, tqdm_class=_bar())
                )
            except Exception as error:  # transports raise many kinds of errors, none of them loadstore's
                raise refusal(error, self.where) or BadRequest(
                    f"{name} of {self.where} could not be downloaded completely ({quote(error)}): expected {size:,} "
                    "bytes; nothing was kept, try again"
                ) from None
        if not isinstance(had, str):
            _check(path, size, expected, self.where)
        return path


def _check(path: Path, size: int | None, expected: str | None, where: HubLocation) -> None:
    """Compare a downloaded file with the hub's size and SHA-256 (or git's SHA-1); remove it if it differs."""
    received = path.stat().st_size
    total = hashlib.sha256()
    if expected is not None and len(expected) == 40:
        total = hashlib.sha1(b"blob %d\0" % received, usedforsecurity=False)
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            total.update(block)
    if received == size and expected in (None, total.hexdigest()):
        return
    path.resolve().unlink(missing_ok=True)
    path.unlink(missing_ok=True)
    wrong = (
        f"{received:,} bytes, expected {size:,}"
        if received != size
        else f"hash {total.hexdigest()}, expected {expected}"
    )
    raise BadCheckpoint(f"{path.name} of {where} is not the hub's file ({wrong}); it was removed, try again")


def _bar() -> Any:
    from tqdm import tqdm

    def bar(*of: Any, desc: str | None = None, **settings: Any) -> Any:
        return tqdm(*of, desc=None if desc is None else line(desc), **settings)

    # The command line's sys.stderr escapes control characters, which a bar needs; its ``stream`` does not.
    below = getattr(sys.stderr, "stream", sys.stderr)
    return partial(bar, delay=DELAY, leave=False, disable=not sys.stderr.isatty(), file=below)


@contextmanager
def quiet() -> Generator[None]:
    """Suppress the library's own messages on stderr; loadstore reports a failure once."""
    from huggingface_hub.utils import logging

    before = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(before)
