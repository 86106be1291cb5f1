"""Reads GGUF: the header with loadstore's own bounded parser, as files are untrusted; the numbers stay in the file.

Counts, lengths, dimensions and offsets are checked against the file and fixed limits before any allocation.
Source: the GGUF specification (ggml).
"""

import math
import mmap
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from loadstore.errors import BadCheckpoint, NotThisModel
from loadstore.model.quantised import Quantised
from loadstore.model.stored import KINDS, Matrix
from loadstore.quote import quote
from loadstore.reading import reads

MAGIC = b"GGUF"
SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
TEXT, ARRAY = 8, 9
MOST_PAIRS, MOST_TENSORS, MOST_DIMENSIONS, MOST_DEPTH = 10_000, 100_000, 4, 2
MOST_HEADER = 1 << 28  # bytes; a vocabulary of 256,000 takes about 10 million
MOST_ENTRIES = 1 << 23  # in all arrays together; each becomes an object
KEPT = 1 << 30  # bytes


@dataclass(frozen=True, slots=True)
class Stored:
    """The location of one tensor: its file, shape (rows first), format, first byte in the file and mapped bytes."""

    path: Path
    shape: tuple[int, ...]
    kind: int
    start: int
    content: NDArray[np.uint8] = field(repr=False, compare=False)


@dataclass(frozen=True)
class GGUF:
    """The header of a file, with its facts and the locations of its tensors."""

    path: Path
    facts: dict[str, Any]
    stored: dict[str, Stored]

    def tensors(self) -> dict[str, Quantised]:
        """Every tensor, unread. A file that widens to less than 1 GiB caches its dequantised numbers in memory.

        A larger file caches nothing and dequantises again on every use.
        """
        keep = 4 * sum(math.prod(stored.shape) for stored in self.stored.values()) < KEPT
        return {name: _tensor(name, stored, keep=keep) for name, stored in self.stored.items()}


def _tensor(name: str, stored: Stored, *, keep: bool) -> Quantised:
    rows = stored.content.reshape(math.prod(stored.shape[:-1]), -1)
    return Quantised.of(Matrix(rows, stored.kind, f"{stored.path}: tensor '{quote(name)}'", keep=keep), stored.shape)


class _Header:
    """A bounded parser that reads a file from its start."""

    def __init__(self, data: mmap.mmap, path: Path) -> None:
        self.data, self.path, self.at, self.end = data, path, 0, min(len(data), MOST_HEADER)
        self.content = np.frombuffer(data, np.uint8)
        self.entries = 0

    def bytes(self, count: int) -> bytes:
        if count > self.end - self.at:
            raise self.bad(f"claims {count:,} more bytes where {self.end - self.at:,} are left")
        self.at += count
        return self.data[self.at - count : self.at]

    def number(self, code: str) -> Any:
        return struct.unpack(f"<{code}", self.bytes(struct.calcsize(code)))[0]

    def text(self) -> str:
        return str(self.bytes(int.from_bytes(self.bytes(8), "little")), "utf-8", "replace")

    def texts(self, count: int) -> list[str]:
        data, at, end = self.data, self.at, self.end
        texts: list[str] = []
        for _ in range(count):  # hundreds of thousands of texts: avoid a method call for each
            stop = at + 8 + int.from_bytes(data[at : at + 8], "little")
            if stop > end:
                raise self.bad(f"claims a text of {stop - at - 8:,} bytes where {end - at:,} are left")
            texts.append(str(data[at + 8 : stop], "utf-8", "replace"))
            at = stop
        self.at = at
        return texts

    def value(self, kind: int, depth: int = 0) -> Any:
        if kind == TEXT:
            return self.text()
        if kind == ARRAY and depth < MOST_DEPTH:
            inner, count = self.number("I"), self.number("Q")
            least = struct.calcsize(SCALARS[inner]) if inner in SCALARS else 8
            self.entries += count
            if count * least > self.end - self.at or self.entries > MOST_ENTRIES:
                raise self.bad(f"claims an array of {count:,} where {self.end - self.at:,} bytes are left")
            if inner in SCALARS:
                return list(struct.unpack(f"<{count}{SCALARS[inner]}", self.bytes(count * least)))
            if inner == TEXT:
                return self.texts(count)
            return [self.value(inner, depth + 1) for _ in range(count)]
        if kind not in SCALARS:
            raise self.bad(f"has a value of the unknown type {kind}")
        return self.number(SCALARS[kind])

    def bad(self, why: str) -> BadCheckpoint:
        return BadCheckpoint(
            f"{self.path} is not a readable GGUF file: it {why}. It may be truncated; download it again"
        )


def read_gguf(path: Path) -> GGUF:
    """Read the header of a file.

    Raises BadCheckpoint if it is truncated, malicious or not GGUF, NotThisModel for an unsupported number format.
    """
    reads(path)
    try:
        with path.open("rb") as file:
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError) as error:  # ValueError: the file is empty
        raise BadCheckpoint(f"{path} cannot be read ({quote(error)}); expected a GGUF file") from None
    head = _Header(data, path)
    facts, listed = _facts(head)
    alignment = facts.get("general.alignment", 32)
    if type(alignment) is not int or not 1 <= alignment <= 1 << 20:
        raise head.bad(f"aligns its tensors to {quote(alignment, 40)}")
    start = head.at + -head.at % alignment
    stored = {name: _place(head, name, shape, kind, start + at) for name, shape, kind, at in listed}
    end = 0
    for name, tensor in sorted(stored.items(), key=lambda each: each[1].start):
        if tensor.start < end:
            raise head.bad(f"puts tensor '{quote(name)}' over another")
        end = tensor.start + len(tensor.content)
    return GGUF(path, facts, stored)


def _facts(head: _Header) -> tuple[dict[str, Any], list[tuple[str, tuple[int, ...], int, int]]]:
    """The facts, and the name, shape, format and offset of every tensor."""
    if head.bytes(4) != MAGIC:
        raise head.bad("does not begin with GGUF")
    version, tensors, pairs = head.number("I"), head.number("Q"), head.number("Q")
    if version not in (2, 3):
        raise head.bad(f"has version {version}, expected 2 or 3")
    if tensors > MOST_TENSORS or pairs > MOST_PAIRS:
        raise head.bad(f"claims {tensors:,} tensors and {pairs:,} facts")
    facts: dict[str, Any] = {}
    for _ in range(pairs):
        key = head.text()
        if key in facts:
            raise head.bad(f"states '{quote(key)}' twice")
        facts[key] = head.value(head.number("I"))
    listed: list[tuple[str, tuple[int, ...], int, int]] = []
    for _ in range(tensors):
        name, count = head.text(), head.number("I")
        if count > MOST_DIMENSIONS:
            raise head.bad(f"gives tensor '{quote(name)}' {count} dimensions")
        shape = tuple(reversed([head.number("Q") for _ in range(count)]))
        listed.append((name, shape, head.number("I"), head.number("Q")))
    if len({name for name, *_ in listed}) < tensors:
        raise head.bad("has two tensors of one name")
    return facts, listed


def _place(head: _Header, name: str, shape: tuple[int, ...], kind: int, start: int) -> Stored:
    if kind not in KINDS:
        names = ", ".join(each.name for each in KINDS.values())
        raise NotThisModel(
            f"{head.path} stores tensor '{quote(name)}' in the number format {kind}, which is not supported; supported "
            f"are {names}"
        )
    _, numbers, size = KINDS[kind]
    entries = math.prod(shape)
    if not shape or min(shape) < 1 or shape[-1] % numbers or entries > 1 << 40:
        raise head.bad(f"gives tensor '{quote(name)}' the shape {list(shape)}")
    taken = entries // numbers * size
    if start + taken > len(head.data):
        raise head.bad(f"puts tensor '{quote(name)}' beyond its end")
    return Stored(head.path, shape, kind, start, head.content[start : start + taken])
