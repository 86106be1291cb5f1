"""What a name on the hub means, and which files of a repository are fetched: decided before anything is."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from loadstore.errors import BadCheckpoint, BadRequest
from loadstore.models.checkpoint import SUFFIXES
from loadstore.models.names import published
from loadstore.models.quote import quote, some

CONFIG, TOKENIZER, TOKENIZER_CONFIG = "config.json", "tokenizer.json", "tokenizer_config.json"
MOST_MODEL = 8 << 30  # bytes; the published attention-only models have less than one gibibyte
MOST_JSON = 64 << 20
PART = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,95}"
REPOSITORY = re.compile(rf"{PART}(/{PART})?")
NAME = re.compile(rf"(?P<repository>{PART}(?:/{PART})?)(?::(?P<file>[^@/\\]+))?(?:@(?P<revision>[\w./-]{{1,200}}))?")
FILE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,200}")
MAIN, SAFE = "main", "model.safetensors"


@dataclass(frozen=True, slots=True)
class Address:
    """A repository, a revision of it, and (if it was named) the model file in it."""

    repository: str
    revision: str = MAIN
    file: str | None = None

    def __str__(self) -> str:
        return self.repository if self.revision == MAIN else f"{self.repository}@{self.revision}"


def address(name: str, revision: str | None = None) -> Address | None:
    """Read ``owner/name``, ``owner/name@revision``, ``owner/name:file.pth`` or a published name; None if it is none.

    What ends like a model file is a path. Raises BadRequest where two revisions are given.
    """
    found = NAME.fullmatch(name)
    if found is None:
        return None
    known = published(found["repository"])
    repository = found["repository"] if known is None else known.repository
    if "/" not in repository or repository.endswith(SUFFIXES):
        return None
    if revision is not None and found["revision"] not in (None, revision):
        raise BadRequest(f"'{quote(name)}' and revision={revision!r} are two revisions; give one")
    return Address(repository, revision or found["revision"] or MAIN, found["file"])


def candidates(names: Iterable[str]) -> list[str]:
    """The model files at the top of a repository, by plain names only: no folders, nothing that could leave one."""
    return sorted(name for name in names if FILE.fullmatch(name) and name.endswith(SUFFIXES))


def choose(names: Iterable[str], where: Address) -> str:
    """The one file that is the model: the named one, the only one, ``*final.pth``, or ``model.safetensors``.

    ``*final.pth`` is TransformerLens's rule. Raises BadCheckpoint where there is none or more than one.
    """
    found = candidates(names)
    if where.file is not None:
        if where.file not in found:
            raise BadRequest(f"{where} has no model file '{quote(where.file)}'; it has {some(found) or 'none'}")
        return where.file
    if not found:
        raise BadCheckpoint(
            f"{where} has no model file ({', '.join(SUFFIXES)}) at its top; it has {some(sorted(names)) or 'no files'}"
        )
    for rule in (found, [name for name in found if name.endswith("final.pth")], [n for n in found if n == SAFE]):
        if len(rule) == 1:
            return rule[0]
    raise BadCheckpoint(
        f"{where} has {len(found)} model files ({some(found)}), expected one; name it: '{where.repository}:{found[0]}'"
    )


def bounded(name: str, size: int | None, where: Address) -> None:
    """Raise BadCheckpoint unless a file's stated size is within what is read of its kind."""
    most = MOST_JSON if name.endswith(".json") else MOST_MODEL
    if size is None or not 0 < size <= most:
        told = "does not say its size" if size is None else f"has {size:,} bytes"
        raise BadCheckpoint(
            f"{name} of {where} {told}, expected 1 to {most:,}; fetch it yourself and load the file if it is right"
        )
