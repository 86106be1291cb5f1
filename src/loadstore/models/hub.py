"""Fetching a checkpoint by name: its config, one model file and a tokenizer, into huggingface-hub's own cache.

Only JSON and the files that ``repository.choose`` names are ever fetched; their size is known before, their hash is
checked after. HF_ENDPOINT, HF_HOME, HF_TOKEN and HF_HUB_OFFLINE mean what they mean to that library.
"""

import hashlib
import json
import sys
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast

from loadstore.errors import BadCheckpoint, BadRequest, NotThisModel
from loadstore.models.hub_errors import NoSuchRepository, refusal, unreachable
from loadstore.models.names import published
from loadstore.models.quote import quote
from loadstore.models.repository import (
    CONFIG,
    REPOSITORY,
    TOKENIZER,
    TOKENIZER_CONFIG,
    Address,
    bounded,
    candidates,
    choose,
)

DELAY = 2.0  # seconds before a progress bar shows
BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Fetched:
    """A model file in the cache, what the model is called, and the folder of its tokenizer if there is one."""

    model: Path
    name: str
    tokenizer: Path | None


@dataclass(frozen=True)
class _Shelf:
    """The files of one repository: name → (bytes, hash), on the hub, or in the cache where it cannot be asked."""

    where: Address
    files: dict[str, tuple[int | None, str | None]]
    commit: str | None = None
    folder: Path | None = None

    def get(self, name: str) -> Path:
        """The file in the cache, fetched if it is not there. Raises BadRequest or BadCheckpoint saying why not."""
        if self.folder is not None:
            return self.folder / name
        import huggingface_hub as hub

        size, expected = self.files[name]
        bounded(name, size, self.where)
        had = hub.try_to_load_from_cache(self.where.repository, name, revision=self.commit)
        with _quiet():
            try:
                path = Path(
                    hub.hf_hub_download(self.where.repository, name, revision=self.where.revision, tqdm_class=_bar())
                )
            except Exception as error:  # transports differ in what they raise, and none of it is ours
                raise refusal(error, self.where) or BadRequest(
                    f"{name} of {self.where} could not be fetched whole ({quote(error)}): expected {size:,} bytes; "
                    "nothing of it was kept, try again"
                ) from None
        if not isinstance(had, str):
            _check(path, size, expected, self.where)
        return path


def fetch(where: Address) -> Fetched:
    """Fetch what ``where`` names. Raises BadRequest (name, network, access) or BadCheckpoint (content)."""
    shelf = _shelf(where)
    model = choose(shelf.files, where)
    config = _config(shelf)
    tokenizer = _tokenizer(shelf, config)
    return Fetched(shelf.get(model), where.repository.split("/")[1], tokenizer)


def cached(where: Address) -> Path | None:
    """The newest copy of a repository in the cache that has a model file, without asking the network."""
    import huggingface_hub as hub

    with suppress(Exception):  # whatever is wrong with a cache, it has no copy
        folder = Path(hub.snapshot_download(where.repository, revision=where.revision, local_files_only=True))
        return folder if candidates(file.name for file in folder.iterdir()) else None
    return None


def _shelf(where: Address, *, of_model: bool = True) -> _Shelf:
    """List a repository; where that fails, its copy in the cache stands in, and without one the failure is told."""
    import huggingface_hub as hub

    try:
        with _quiet():
            info = hub.HfApi().model_info(where.repository, revision=where.revision, files_metadata=True)
    except Exception as error:  # transports differ in what they raise, and none of it is ours
        folder = cached(where) if of_model else _cached_tokenizer(where)
        if folder is None or (where.file is not None and not (folder / where.file).exists()):
            raise refusal(error, where) or unreachable(error, where) from None
        return _Shelf(where, {file.name: (None, None) for file in folder.iterdir()}, None, folder)
    files: dict[str, tuple[int | None, str | None]] = {}
    for file in info.siblings or []:
        files[file.rfilename] = (file.size, file.lfs.sha256 if file.lfs is not None else file.blob_id)
    return _Shelf(where, files, info.sha)


def _cached_tokenizer(where: Address) -> Path | None:
    import huggingface_hub as hub

    found = hub.try_to_load_from_cache(where.repository, TOKENIZER, revision=where.revision)
    return Path(found).parent if isinstance(found, str) else None


def _config(shelf: _Shelf) -> dict[str, Any]:
    """The config, before the weights: a model of another kind is refused while that is cheap."""
    if CONFIG not in shelf.files:
        return {}
    try:
        found: object = json.loads(shelf.get(CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}  # reading the checkpoint tells what is wrong with it
    config = cast("dict[str, Any]", found) if isinstance(found, dict) else {}
    if "model_type" in config and "n_heads" not in config:
        raise NotThisModel(
            f"{shelf.where} is a model of type '{quote(config['model_type'], 40)}'; supported are attention-only "
            "checkpoints in HookedTransformer naming and loadstore's own files ('loadstore models' lists them)"
        )
    return config


def _tokenizer(shelf: _Shelf, config: dict[str, Any]) -> Path | None:
    """The folder of the tokenizer: the model's own, the tabled one, or the one that the config names.

    None where that is no repository or has no tokenizer.json: the model then takes token ids, and says so to text.
    """
    if TOKENIZER in shelf.files:
        return _tokenizer_files(shelf)
    known = published(shelf.where.repository)
    name: object = config.get("tokenizer_name") if known is None else known.tokenizer
    if not isinstance(name, str) or not REPOSITORY.fullmatch(name):
        return None
    try:
        other = _shelf(Address(name), of_model=False)
    except NoSuchRepository:
        return None
    return _tokenizer_files(other) if TOKENIZER in other.files else None


def _tokenizer_files(shelf: _Shelf) -> Path:
    if TOKENIZER_CONFIG in shelf.files:
        shelf.get(TOKENIZER_CONFIG)
    return shelf.get(TOKENIZER).parent


def _check(path: Path, size: int | None, expected: str | None, where: Address) -> None:
    """Compare a fetched file with the size and the SHA-256 (or git's SHA-1) that was told; a wrong one is removed."""
    found = path.stat().st_size
    total = hashlib.sha256()
    if expected is not None and len(expected) == 40:
        total = hashlib.sha1(b"blob %d\0" % found, usedforsecurity=False)
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            total.update(block)
    if found == size and expected in (None, total.hexdigest()):
        return
    path.resolve().unlink(missing_ok=True)
    path.unlink(missing_ok=True)
    wrong = f"{found:,} bytes, expected {size:,}" if found != size else f"hash {total.hexdigest()}, expected {expected}"
    raise BadCheckpoint(f"{path.name} of {where} is not the file that was told ({wrong}); it was removed, try again")


def _bar() -> Any:
    from tqdm import tqdm

    return partial(tqdm, delay=DELAY, leave=False, disable=not sys.stderr.isatty())


@contextmanager
def _quiet() -> Generator[None]:
    """Without the library's own lines on stderr: what goes wrong is told once, by us."""
    from huggingface_hub.utils import logging

    before = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(before)
