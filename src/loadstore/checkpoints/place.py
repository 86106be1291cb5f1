"""Resolves a name: the built-in file, a path, an installed package's file, or a copy from the hub or a store."""

import re
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from loadstore.checkpoints.installed import INSTALLED, installed
from loadstore.checkpoints.names import nearest
from loadstore.checkpoints.remote import fetch as fetch_url
from loadstore.checkpoints.remote import is_url, parted
from loadstore.checkpoints.repository import HubLocation, location
from loadstore.errors import BadRequest
from loadstore.quote import quote

BUILTIN = "builtin"


@dataclass(frozen=True, slots=True)
class Place:
    """A model file or folder, the model's name if it differs from the file's, and the folder of its tokenizer."""

    path: Path
    name: str | None = None
    tokenizer: Path | None = None

    def folder(self, model: Path) -> Path | None:
        """The folder of the tokenizer: that of the model file, unless the place states another folder or none."""
        return model.parent if self.name is None else self.tokenizer


def builtin_path() -> Path:
    """The path of the built-in model's file."""
    return Path(str(files("loadstore") / "data" / "builtin.safetensors"))


def find(source: str | Path, revision: str | None) -> Place:
    """Find a model. Raises BadRequest if no model has this name, and lists the possible names."""
    if isinstance(source, str) and is_url(source):
        return _at_url(source, revision)
    path = builtin_path() if str(source) == BUILTIN else _home(Path(source))
    if _exists(path):
        if revision is not None:
            raise BadRequest(
                f"revision='{quote(revision)}' is for a model on the hub; {path} is a local one, leave it out"
            )
        return Place(path)
    if str(source) in INSTALLED:
        return Place(installed(str(source)), str(source))
    if isinstance(source, str) and (where := location(source, revision)) is not None:
        return _on_hub(where)
    raise BadRequest(
        f"there is no model '{quote(source)}': expected 'builtin', a folder, a .safetensors, .gguf, .pth, .pt or .bin "
        f"file, or a name on the hub as owner/name; {_way_out(str(source))}"
    )


def _at_url(url: str, revision: str | None) -> Place:
    """Find a model by its URL."""
    kind, rest = parted(url)
    if kind == "file":
        return find(Path(rest), revision)
    if kind == "hf":
        owner, _, name = rest.partition("/")
        repository, _, file = name.partition("/")
        repository, _, stated = repository.partition("@")
        text = f"{owner}/{repository}{f':{file}' if file else ''}{f'@{stated}' if stated else ''}"
        if (where := location(text, revision)) is None:
            raise BadRequest(f"'{quote(url)}' is not a model on the hub: expected hf://owner/name@revision/file")
        return _on_hub(where)
    if revision is not None:
        raise BadRequest(
            f"revision={revision!r} is for a model on the hub; {quote(url)} is in another store, leave it out"
        )
    return Place(fetch_url(url))


def _on_hub(where: HubLocation) -> Place:
    from loadstore.checkpoints.hub import fetch

    fetched = fetch(where)
    return Place(fetched.model, fetched.name, fetched.tokenizer)


def _way_out(name: str) -> str:
    """A suggestion for a name that was not found."""
    if re.fullmatch(r"(?i)(L\d+\.?H\d+|\d+\.\d+)(\.[qkv])?|embed|pos", name):
        return f"{name} is a site of a model, and the model comes first, as in builtin {name}"
    if " " in name:
        return "a prompt comes after the model, as in builtin 'the cat sat'"
    if match := re.fullmatch(r"(?i)gpt-?2(-(medium|large|xl))?", name):
        return f"did you mean 'openai-community/gpt2{(match[1] or '').lower()}'?"
    near = nearest(name, (BUILTIN, *INSTALLED))
    return "loadstore models lists what can be loaded" if near is None else f"did you mean {near!r}?"


def _home(path: Path) -> Path:
    try:
        return path.expanduser()
    except RuntimeError:  # ~ of a user without a home folder
        return path


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # a name that is too long or contains NUL
        return False
