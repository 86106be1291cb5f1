"""A text file, or the text files below a folder, read within bounds: either may be hostile."""

import os
from collections.abc import Iterator
from pathlib import Path

from loadstore.errors import BadRequest
from loadstore.quote import quote
from loadstore.reading import reads

BYTES, FILES = 64_000_000, 10_000


def read_texts(path: Path) -> dict[str, str]:
    """Text by the file's name below ``path``, in order of names. Raises BadRequest.

    A folder gives each ``.txt`` file below it, at most 10,000 of them and 64 MB together. A link to a folder is not
    followed, and what is no plain file (a pipe, a device, a broken link) is passed over.
    """
    try:
        names = _names(path)
        texts: dict[str, str] = {}
        left = BYTES
        for name in names:
            reads(path / name)
            with (path / name).open("rb") as file:
                content = file.read(left + 1)
            left -= len(content)
            if left < 0:
                raise BadRequest(f"{quote(path)} has more than {BYTES // 1_000_000} MB of text; give a part of it")
            texts[name or path.name] = _text(content, path / name)
    except (OSError, ValueError) as error:  # no rights, a name too long or with a NUL
        raise BadRequest(f"{quote(path)} cannot be read ({quote(error)}); check its name and its permissions") from None
    return texts


def _names(path: Path) -> list[str]:
    """What to read below ``path``: the empty name is the file itself."""
    if path.is_file():
        return [""]
    if not path.is_dir():
        what = "is neither a file nor a folder" if path.exists() else "does not exist"
        raise BadRequest(
            f"{quote(path)} {what}: expected 'default', a text file, or a folder with .txt files; "
            "a text itself goes in a list"
        )
    names: list[str] = []
    for name in _below(path):
        if len(names) == FILES:
            raise BadRequest(f"{quote(path)} has more than {FILES} .txt files in it or below it; give a part of them")
        names.append(name)
    if not names:
        raise BadRequest(f"{quote(path)} has no .txt file in it or below it; put one there for every document")
    return sorted(names)


def _below(path: Path) -> Iterator[str]:
    def stop(error: OSError) -> None:
        raise error

    for folder, _, names in os.walk(path, onerror=stop):
        for name in names:
            file = Path(folder) / name
            if name.endswith(".txt") and file.is_file():
                yield file.relative_to(path).as_posix()


def _text(content: bytes, path: Path) -> str:
    """Decode UTF-8, with a mark at its start or without. Raises BadRequest."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadRequest(
            f"{quote(path)} is not UTF-8 text (byte {error.start} cannot be); save it as UTF-8, or leave it out"
        ) from None
    if "\0" in text:
        raise BadRequest(f"{quote(path)} is a binary file (byte 0 is in it); expected UTF-8 text, leave it out")
    return text
