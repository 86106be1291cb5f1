"""Reads a text file, or the text files below a folder, within size limits; files are treated as untrusted."""

import os
from collections.abc import Iterator
from pathlib import Path

from loadstore.errors import BadRequest
from loadstore.quote import quote
from loadstore.reading import reads

BYTES, FILES = 64_000_000, 10_000


def read_texts(path: Path) -> dict[str, str]:
    """Texts by file name below ``path``, sorted by name. Raises BadRequest.

    For a folder, reads every ``.txt`` file below it, at most 10,000 files and 64 MB in total. Links to folders are not
    followed. Anything that is not a regular file (a pipe, a device, a broken link) is skipped.
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
    except (OSError, ValueError) as error:  # no permission, or a name that is too long or contains NUL
        raise BadRequest(f"{quote(path)} cannot be read ({quote(error)}); check its name and its permissions") from None
    return texts


def _names(path: Path) -> list[str]:
    """The names to read below ``path``; the empty name means ``path`` itself."""
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
    """Decode UTF-8, with or without a byte-order mark. Raises BadRequest."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadRequest(
            f"{quote(path)} is not UTF-8 text (byte {error.start} cannot be); save it as UTF-8, or leave it out"
        ) from None
    if "\0" in text:
        raise BadRequest(f"{quote(path)} is a binary file (byte 0 is in it); expected UTF-8 text, leave it out")
    return text
