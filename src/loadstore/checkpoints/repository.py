"""Parses hub names, and chooses the files of a repository before anything is downloaded."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from loadstore.checkpoints.checkpoint import USUAL
from loadstore.checkpoints.gguf_parts import without_later_parts
from loadstore.checkpoints.names import published
from loadstore.checkpoints.shards import ENDING, is_index
from loadstore.checkpoints.tensorfile import PACKED, SUFFIXES
from loadstore.errors import BadCheckpoint, BadRequest
from loadstore.quote import quote, some

CONFIG, TOKENIZER, TOKENIZER_CONFIG = "config.json", "tokenizer.json", "tokenizer_config.json"
MOST_MODEL = 64 << 30  # bytes of all its files; a model of 13 billion numbers in half precision has 26
MOST_JSON = 64 << 20
PART = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,95}"
REPOSITORY = re.compile(rf"{PART}(/{PART})?")
NAME = re.compile(rf"(?P<repository>{PART}(?:/{PART})?)(?::(?P<file>[^@/\\]+))?(?:@(?P<revision>[\w./-]{{1,200}}))?")
FILE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,200}")
SHARD = re.compile(r".*-[0-9]{5}-of-[0-9]{5}\.(safetensors|bin)")
MAIN = "main"


@dataclass(frozen=True, slots=True)
class HubLocation:
    """A repository, a revision, and the model file in it if one was named."""

    repository: str
    revision: str = MAIN
    file: str | None = None

    def __str__(self) -> str:
        return self.repository if self.revision == MAIN else f"{self.repository}@{self.revision}"


def location(name: str, revision: str | None = None) -> HubLocation | None:
    """Parse ``owner/name``, ``owner/name@revision``, ``owner/name:file.pth`` or a published name; None for other names.

    A name that ends like a model file is a path. Raises BadRequest if two revisions are given.
    """
    match = NAME.fullmatch(name)
    if match is None:
        return None
    model = published(match["repository"])
    repository = match["repository"] if model is None else model.repository
    if "/" not in repository or repository.endswith((*SUFFIXES, PACKED)):
        return None
    if revision is not None and match["revision"] not in (None, revision):
        raise BadRequest(f"'{quote(name)}' and revision='{quote(revision)}' are two revisions; give one")
    return HubLocation(repository, revision or match["revision"] or MAIN, match["file"])


def candidates(names: Iterable[str]) -> list[str]:
    """The model files at the top of a repository. Only plain names count, so that no name can leave the folder.

    An index represents the shards that it lists, and the first part of a GGUF model all of its parts.
    """
    plain = without_later_parts(name for name in names if FILE.fullmatch(name))
    indexed = {name.removesuffix(ENDING).rpartition(".")[2] for name in plain if is_index(Path(name))}
    shards = {name for name in plain if (match := SHARD.fullmatch(name)) and match[1] in indexed}
    return sorted(
        name for name in plain if name.endswith((*SUFFIXES, PACKED)) or is_index(Path(name)) if name not in shards
    )


def choose(names: Iterable[str], where: object, file: str | None, prefix: str) -> str:
    """The model file, or the index of its shards: the named one, the only one, or the usual one.

    Usual are ``*final.pth`` (TransformerLens's rule), then the names of Hugging Face. A GGUF file is chosen if it is
    the only model or is named.

    Args:
        names: All files of the repository.
        where: The repository, for messages.
        file: The requested file, if one was named.
        prefix: Stands before a file's name where a message suggests it.

    Returns:
        The file's name.

    Raises:
        BadRequest: There is no file of the requested name.
        BadCheckpoint: There is no model file, or no unique choice.
    """
    files = candidates(names)
    if file is not None:
        if file not in files:
            raise BadRequest(f"{where} has no model file '{quote(file)}'; it has {some(files) or 'none'}")
        return file
    if not files:
        raise BadCheckpoint(
            f"{where} has no model file ({', '.join((*SUFFIXES, PACKED))}) at its top; "
            f"it has {some(sorted(names)) or 'no files'}"
        )
    others = [name for name in files if not name.endswith(PACKED)]
    usual = [name for name in USUAL if name in files][:1]
    for rule in (files, others, [name for name in files if name.endswith("final.pth")], usual):
        if len(rule) == 1:
            return rule[0]
    raise BadCheckpoint(
        f"{where} has {len(files)} model files ({some(files)}), expected one; name it: '{prefix}{files[0]}'"
    )


def bounded(name: str, size: int | None, where: object) -> None:
    """Raise BadCheckpoint unless a file's stated size is within the limit for its kind."""
    most = MOST_JSON if name.endswith(".json") else MOST_MODEL
    if size is None or not 0 < size <= most:
        stated = "does not state its size" if size is None else f"has {size:,} bytes"
        raise BadCheckpoint(
            f"{name} of {where} {stated}, expected 1 to {most:,}; download it yourself and load the file if that size "
            "is right"
        )
