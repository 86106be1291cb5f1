"""Models in stores that fsspec reads (``s3://``, ``gs://``, ``memory://``), copied into the cache and loaded there.

A copy is named by a digest of its URL and of everything that the store states about its files (sizes, times, tags), so
a model that changes is copied again, and a copy never changes. Each file is written beside its place and then moved.
"""

import hashlib
import importlib
from contextlib import suppress
from pathlib import Path
from typing import Any

from loadstore.atomic import replacing, write_whole
from loadstore.checkpoints.gguf_parts import parts_of
from loadstore.checkpoints.joined import cache_folder
from loadstore.checkpoints.repository import CONFIG, SHARD, TOKENIZER, TOKENIZER_CONFIG, bounded, choose
from loadstore.checkpoints.shards import ENDING, is_index
from loadstore.errors import BadCheckpoint, BadRequest, LoadstoreError
from loadstore.quote import one_of, quote

MARK = "://"
PACKAGES = {"s3": "s3fs", "gs": "gcsfs", "memory": "fsspec"}
"""The package that reads each kind of store; an extra of loadstore has the name of the store."""
KINDS = ("file", "gs", "hf", "memory", "s3")
FOLDER = "stores"  # in the cache


def is_url(name: object) -> bool:
    """Whether a name is a URL."""
    return isinstance(name, str) and MARK in name


def parted(url: str) -> tuple[str, str]:
    """The kind of a URL and the rest. Raises BadRequest for a kind that loadstore does not read."""
    kind, _, rest = url.partition(MARK)
    if kind not in KINDS or "::" in url:
        raise BadRequest(
            f"'{quote(url)}' is not a URL that models are read from; it begins with {one_of(KINDS)} and ://"
        )
    if kind == "file" and not rest.startswith("/"):
        raise BadRequest(f"'{quote(url)}' has no absolute path; write file:///folder/model")
    return kind, rest


def expanded(url: str) -> list[str]:
    """The URLs of all files that match a URL with wildcards, sorted. Raises BadRequest as ``fetch`` does."""
    store, path = _store(url)
    kind, _ = parted(url)
    try:
        return sorted(f"{kind}{MARK}{str(match).lstrip('/')}" for match in store.glob(path))
    except Exception as error:  # stores raise many kinds of errors, none of them loadstore's
        raise _unreachable(url, error) from None


def fetch(url: str) -> Path:
    """Copy the model at a URL into the cache, unless its copy is there.

    Where the store cannot be reached, or HF_HUB_OFFLINE forbids it, the last copy is taken.

    Args:
        url: A model file, or a folder with one, of a kind in ``PACKAGES``.

    Returns:
        The copy of the model file, or of the index of its shards, beside its config and tokenizer.

    Raises:
        BadRequest: There is no such model, its package is not installed, or the store refuses.
        BadCheckpoint: A file is too large, or arrived incomplete.
    """
    pointer = cache_folder() / FOLDER / f"{_digest(url)}.txt"
    if _offline(url):
        return _last(pointer, url, "HF_HUB_OFFLINE forbids a download; unset it once")
    store, path = _store(url)
    try:
        store.invalidate_cache()
        copy = _copied(store, path, url)
    except LoadstoreError:
        raise
    except FileNotFoundError:
        raise BadRequest(f"there is no model '{quote(url)}': the store has no such file or folder") from None
    except PermissionError as error:
        raise BadRequest(f"'{quote(url)}' may not be read ({quote(error)}); check the store's credentials") from None
    except Exception as error:  # stores raise many kinds of errors, none of them loadstore's
        return _last(pointer, url, f"its store could not be read ({quote(error)}); check the network")
    write_whole(pointer, str(copy.relative_to(pointer.parent)).encode())
    return copy


def _copied(store: Any, path: str, url: str) -> Path:
    """Copy the files of a model that are not in the cache."""
    is_folder = store.isdir(path)
    folder, _, file = (path, "", None) if is_folder else path.rpartition("/")
    listed = {info["name"].rpartition("/")[2]: info for info in store.ls(folder, detail=True) if info["type"] == "file"}
    if file is not None and file not in listed:
        raise FileNotFoundError
    where = url if is_folder else url.rpartition("/")[0]
    model = choose(listed, where, file, f"{where}/")
    names = [name for name in (CONFIG, TOKENIZER_CONFIG, TOKENIZER) if name in listed]
    if is_index(Path(model)):
        ending = model.removesuffix(ENDING).rpartition(".")[2]
        names += sorted(name for name in listed if (match := SHARD.fullmatch(name)) and match[1] == ending)
    if missing := [name for name in parts_of(model) if name not in listed]:
        raise BadCheckpoint(
            f"{quote(where)} has no file '{missing[0]}', a part of the same model as {model}; upload it"
        )
    names += [name for name in parts_of(model) if name != model]
    names.append(model)
    bounded(f"all {len(names)} files", sum(listed[name]["size"] or 0 for name in names), where)
    stated = [sorted((key, str(value)) for key, value in listed[name].items()) for name in names]
    target = cache_folder() / FOLDER / _digest(f"{where} {stated}")
    _make(target)
    for name in names:
        size = listed[name]["size"]
        bounded(name, size, where)
        if not (target / name).exists():
            with replacing(target / name, size) as part:
                store.get_file(listed[name]["name"], str(part))
                if part.stat().st_size != size:
                    raise BadCheckpoint(
                        f"{name} of {quote(where)} arrived with {part.stat().st_size:,} bytes, expected {size:,}"
                    )
    return target / model


def _store(url: str) -> tuple[Any, str]:
    """The file system of a URL, and the path in it. Raises BadRequest if its package is not installed."""
    kind, _ = parted(url)
    try:
        importlib.import_module(PACKAGES[kind])
        return importlib.import_module("fsspec.core").url_to_fs(url)
    except ImportError:
        raise BadRequest(
            f"{kind}{MARK} needs {PACKAGES[kind]}, which is not installed: pip install 'loadstore[{kind}]'"
        ) from None
    except Exception as error:  # wrong settings or credentials of a store
        raise _unreachable(url, error) from None


def _last(pointer: Path, url: str, why: str) -> Path:
    """The copy that was made last. Raises BadRequest if there is none."""
    with suppress(OSError, ValueError):
        copy = pointer.parent / pointer.read_text(encoding="utf-8")
        if copy.is_file():
            return copy
    raise BadRequest(f"'{quote(url)}' is not in the cache ({cache_folder()}), and {why}")


def _offline(url: str) -> bool:
    from huggingface_hub import constants

    return constants.HF_HUB_OFFLINE and parted(url)[0] != "memory"


def _unreachable(url: str, error: Exception) -> BadRequest:
    return BadRequest(
        f"the store of '{quote(url)}' could not be read ({quote(error)}); check the network and the store's settings"
    )


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadRequest(
            f"{folder} cannot be made ({quote(error)}); set LOADSTORE_CACHE to a folder that you may write to"
        ) from None


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:24]
