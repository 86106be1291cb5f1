"""Downloads a checkpoint by name: config, model file or shards, and tokenizer, into huggingface-hub's own cache.

Only JSON and the files chosen by ``repository.choose`` are downloaded. Their sizes are known before, and their hashes
are checked after. HF_ENDPOINT, HF_HOME, HF_TOKEN and HF_HUB_OFFLINE have their usual meaning.
"""

import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from loadstore.checkpoints.download import Shelf, quiet
from loadstore.checkpoints.families.table import FAMILIES, supported
from loadstore.checkpoints.gguf_parts import parts_of
from loadstore.checkpoints.hub_errors import NoSuchRepository, refusal, unreachable
from loadstore.checkpoints.names import published
from loadstore.checkpoints.repository import (
    CONFIG,
    FILE,
    REPOSITORY,
    TOKENIZER,
    TOKENIZER_CONFIG,
    HubLocation,
    bounded,
    candidates,
    choose,
)
from loadstore.checkpoints.shards import is_index, places_of
from loadstore.checkpoints.tensorfile import PACKED
from loadstore.errors import BadCheckpoint, BadRequest, NotThisModel
from loadstore.quote import quote


@dataclass(frozen=True, slots=True)
class Fetched:
    """A model file in the cache, the model's name, and the folder of its tokenizer if there is one."""

    model: Path
    name: str
    tokenizer: Path | None


def fetch(where: HubLocation) -> Fetched:
    """Download the model at ``where``. Raises BadRequest (name, network, access) or BadCheckpoint (content)."""
    shelf = _shelf(where)
    model = choose(shelf.files, where, where.file, f"{where.repository}:")
    config = {} if model.endswith(PACKED) else _config(shelf)
    tokenizer = _tokenizer(shelf, config)
    parts = _checked(shelf, model, parts_of(model))
    path = shelf.get(model)
    for shard in parts or (_checked(shelf, model, sorted(set(places_of(path).values()))) if is_index(path) else []):
        shelf.get(shard)
    return Fetched(path, where.repository.split("/")[1], tokenizer)


def cached(where: HubLocation) -> Path | None:
    """The newest copy of a repository in the cache that has a model file, found without network access."""
    import huggingface_hub as hub

    with suppress(Exception):  # if the cache is damaged in any way, it has no copy
        folder = Path(hub.snapshot_download(where.repository, revision=where.revision, local_files_only=True))
        return folder if candidates(file.name for file in folder.iterdir()) else None
    return None


def _shelf(where: HubLocation, *, of_model: bool = True) -> Shelf:
    """List a repository. If that fails, use its copy in the cache; without a copy, raise the failure."""
    import huggingface_hub as hub

    try:
        with quiet():
            info = hub.HfApi().model_info(where.repository, revision=where.revision, files_metadata=True)
    except Exception as error:  # transports raise many kinds of errors, none of them loadstore's
        folder = cached(where) if of_model else _cached_tokenizer(where)
        if folder is None or (where.file is not None and not (folder / where.file).exists()):
            raise refusal(error, where) or unreachable(error, where) from None
        return Shelf(where, {file.name: (None, None) for file in folder.iterdir()}, None, folder)
    files: dict[str, tuple[int | None, str | None]] = {}
    for file in info.siblings or []:
        files[file.rfilename] = (file.size, file.lfs.sha256 if file.lfs is not None else file.blob_id)
    return Shelf(where, files, info.sha)


def _cached_tokenizer(where: HubLocation) -> Path | None:
    import huggingface_hub as hub

    cached = hub.try_to_load_from_cache(where.repository, TOKENIZER, revision=where.revision)
    return Path(cached).parent if isinstance(cached, str) else None


def _config(shelf: Shelf) -> dict[str, Any]:
    """Download the config before the weights, so that an unsupported model is refused early."""
    if CONFIG not in shelf.files:
        return {}
    try:
        content: object = json.loads(shelf.get(CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}  # reading the checkpoint reports the error
    config = cast("dict[str, Any]", content) if isinstance(content, dict) else {}
    if "model_type" in config and "n_heads" not in config and str(config["model_type"]) not in FAMILIES:
        raise NotThisModel(
            f"{shelf.where} is a model of type '{quote(config['model_type'], 40)}'; supported are {supported()}, "
            "checkpoints in HookedTransformer naming and loadstore's own files ('loadstore models' lists them)"
        )
    return config


def _checked(shelf: Shelf, model: str, shards: list[str]) -> list[str]:
    """The shards or parts of a model, all checked for existence and size before one is downloaded."""
    for shard in shards:
        if shard not in shelf.files and shelf.folder is not None:
            raise BadRequest(
                f"the cache holds only a part of {shelf.where}: '{quote(shard)}' is missing, and the hub could not be "
                "reached; load it once with a network connection"
            )
        if shard not in shelf.files or not FILE.fullmatch(shard):
            raise BadCheckpoint(
                f"{shelf.where} has no file '{quote(shard)}', which belongs to its {model}; choose another revision"
            )
    if shards and shelf.folder is None:
        total = sum(shelf.files[shard][0] or 0 for shard in shards)
        bounded(f"all {len(shards)} shards", total, shelf.where)
    return shards


def _tokenizer(shelf: Shelf, config: dict[str, Any]) -> Path | None:
    """The folder of the tokenizer: the model's own, the one listed for it, or the one that the config names.

    None if that is not a repository or has no tokenizer.json. The model then accepts only token ids.
    """
    if TOKENIZER in shelf.files:
        return _tokenizer_files(shelf)
    model = published(shelf.where.repository)
    name: object = config.get("tokenizer_name") if model is None else model.tokenizer
    if not isinstance(name, str) or not REPOSITORY.fullmatch(name):
        return None
    try:
        other = _shelf(HubLocation(name), of_model=False)
    except NoSuchRepository:
        return None
    return _tokenizer_files(other) if TOKENIZER in other.files else None


def _tokenizer_files(shelf: Shelf) -> Path:
    if TOKENIZER_CONFIG in shelf.files:
        shelf.get(TOKENIZER_CONFIG)
    return shelf.get(TOKENIZER).parent
