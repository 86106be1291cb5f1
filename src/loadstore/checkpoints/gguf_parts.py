"""A GGUF model in several files, as llama.cpp's ``gguf-split`` writes them: NAME-00001-of-00003.gguf and so on.

The first file has the facts, and every file has its own tensors. Any of the files stands for the whole model.
"""

import re
from collections.abc import Collection, Iterable
from dataclasses import replace
from pathlib import Path

from loadstore.checkpoints.gguf import GGUF, Stored, read_gguf
from loadstore.errors import BadCheckpoint
from loadstore.quote import quote

PART = re.compile(r"(?P<stem>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})\.gguf")
NUMBER, COUNT, TENSORS = KEYS = ("split.no", "split.count", "split.tensors.count")
MOST_PARTS = 1000
AGAIN = "download all parts again, from one revision"


def parts_of(name: str) -> list[str]:
    """The names of all parts of the model that a part's name belongs to; empty if it is not the name of a part."""
    match = PART.fullmatch(name)
    if match is None or not 1 <= int(match["number"]) <= int(match["count"]) <= MOST_PARTS:
        return []
    count = int(match["count"])
    return [f"{match['stem']}-{number:05d}-of-{count:05d}.gguf" for number in range(1, count + 1)]


def without_later_parts(names: Iterable[str]) -> list[str]:
    """The names without those of later parts whose first part is among them."""
    names = list(names)
    later = {part for name in names if name in (parts := parts_of(name))[:1] for part in parts[1:]}
    return [name for name in names if name not in later]


def name_of(path: Path) -> str:
    """The model's name: the file name without its ending and part number."""
    return PART.sub(r"\g<stem>", path.name) if parts_of(path.name) else path.stem


def read_model(path: Path, ignore: Collection[str] = ()) -> GGUF:
    """Read the headers of a model: of one file, or of all parts as if they were one.

    Args:
        path: The file, or any of its parts.
        ignore: Keys to take as if they were not stated; without ``split.count`` a part is a file of its own.

    Returns:
        The file; of several parts the facts of the first, without those of the split, and the tensors of all.

    Raises:
        BadCheckpoint: A part is missing or damaged, or belongs to another model.
        NotThisModel: A number format is not supported.
    """
    names, own = parts_of(path.name), read_gguf(path)
    count = 1 if COUNT in ignore else own.facts.get(COUNT, 1)
    if count in (0, 1):
        return own
    first = own if path.name in names[:1] or not names else _part(path.with_name(names[0]), path)
    if count != len(names):
        raise BadCheckpoint(
            f"{first.path} says {COUNT} = {quote(count, 40)}, expected the count in a name that ends in "
            f"-00001-of-00003.gguf; {AGAIN}, and keep their names"
        )
    stored: dict[str, Stored] = {}
    for number, name in enumerate(names):
        part = first if number == 0 else _part(path.with_name(name), first.path)
        for key, fact in part.facts.items():
            if key not in KEYS and first.facts.get(key, fact) != fact:
                raise BadCheckpoint(f"{part.path} states another '{quote(key)}' than {first.path.name}; {AGAIN}")
        said = part.facts.get(NUMBER), part.facts.get(COUNT)
        if said != (number, count):
            raise BadCheckpoint(
                f"{part.path} says {NUMBER} = {quote(said[0], 40)} of {quote(said[1], 40)}, expected {number} of "
                f"{count} (from 0); {AGAIN}"
            )
        if twice := stored.keys() & part.stored.keys():
            raise BadCheckpoint(f"{part.path} holds tensor '{quote(min(twice))}', as an earlier part does; {AGAIN}")
        stored |= part.stored
    if (total := first.facts.get(TENSORS, len(stored))) != len(stored):
        raise BadCheckpoint(
            f"{first.path} says {TENSORS} = {quote(total, 40)}, but its {count} parts hold {len(stored)}; {AGAIN}"
        )
    return replace(first, facts={key: fact for key, fact in first.facts.items() if key not in KEYS}, stored=stored)


def _part(path: Path, other: Path) -> GGUF:
    if not path.is_file():
        raise BadCheckpoint(f"{path} is missing; it is a part of the same model as {other.name}; {AGAIN}")
    return read_gguf(path)
