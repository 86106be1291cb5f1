"""Reading GGUF: the header by ourselves, bounded, since a file may be hostile; numbers by the gguf package.

Counts, lengths, dimensions and offsets are checked against the size of the file before anything is allocated or read.
Source: the GGUF specification (ggml).
"""

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import torch
from torch import Tensor

from loadstore.errors import BadCheckpoint, NotThisModel
from loadstore.models.quote import quote

MAGIC = b"GGUF"
SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
TEXT, ARRAY = 8, 9
MOST_PAIRS, MOST_TENSORS, MOST_DIMENSIONS, MOST_DEPTH = 10_000, 100_000, 4, 2


@dataclass(frozen=True)
class Stored:
    """Where one tensor lies: its shape (rows first), its type of numbers, its first byte and how many there are."""

    shape: tuple[int, ...]
    kind: int
    start: int
    size: int


@dataclass(frozen=True)
class GGUF:
    """The header of a file: its facts, and where its tensors lie."""

    path: Path
    facts: dict[str, Any]
    tensors: dict[str, Stored]

    def read(self, name: str) -> Tensor:
        """One tensor as float32, or float16 as it is stored. Raises NotThisModel for numbers of an unknown type."""
        from gguf import GGMLQuantizationType
        from gguf.quants import dequantize

        one = self.tensors[name]
        kind = GGMLQuantizationType(one.kind)
        raw = np.memmap(self.path, dtype=np.uint8, mode="r", offset=one.start, shape=(one.size,))
        if kind == GGMLQuantizationType.F16:
            return torch.from_numpy(np.array(raw.view(np.float16))).reshape(one.shape)
        rows = raw.reshape(-1, one.size // max(1, int(np.prod(one.shape[:-1]))))
        try:
            values = raw.view(np.float32) if kind == GGMLQuantizationType.F32 else dequantize(rows, kind)
        except NotImplementedError:
            raise NotThisModel(f"{self.path}: tensor '{quote(name)}' holds {kind.name}, which cannot be read") from None
        return torch.from_numpy(np.array(values, dtype=np.float32)).reshape(one.shape)


class _Header:
    """A file read from its start, never beyond its end."""

    def __init__(self, file: BinaryIO, path: Path, size: int) -> None:
        self.file, self.path, self.left = file, path, size

    def bytes(self, count: int) -> bytes:
        if count > self.left:
            raise self.bad(f"claims {count:,} more bytes where {self.left:,} are left")
        self.left -= count
        return self.file.read(count)

    def number(self, code: str) -> Any:
        return struct.unpack(f"<{code}", self.bytes(struct.calcsize(code)))[0]

    def text(self) -> str:
        return self.bytes(self.number("Q")).decode("utf-8", errors="replace")

    def value(self, kind: int, depth: int = 0) -> Any:
        if kind == TEXT:
            return self.text()
        if kind == ARRAY and depth < MOST_DEPTH:
            inner, count = self.number("I"), self.number("Q")
            least = struct.calcsize(SCALARS[inner]) if inner in SCALARS else 8
            if count * least > self.left:
                raise self.bad(f"claims an array of {count:,} where {self.left:,} bytes are left")
            if inner in SCALARS:
                return list(struct.unpack(f"<{count}{SCALARS[inner]}", self.bytes(count * least)))
            return [self.value(inner, depth + 1) for _ in range(count)]
        if kind not in SCALARS:
            raise self.bad(f"has a value of the unknown type {kind}")
        return self.number(SCALARS[kind])

    def bad(self, why: str) -> BadCheckpoint:
        return BadCheckpoint(f"{self.path} is no readable GGUF file: it {why}; it is torn or not one, fetch it again")


def read_gguf(path: Path) -> GGUF:
    """Read the header of a file. Raises BadCheckpoint where it is torn, hostile or no GGUF."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            return _header(_Header(file, path, size), size)
    except OSError as error:
        raise BadCheckpoint(f"{path} cannot be read ({quote(error)})") from None


def _header(head: _Header, size: int) -> GGUF:
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
        facts[key] = head.value(head.number("I"))
    listed: list[tuple[str, tuple[int, ...], int, int]] = []
    for _ in range(tensors):
        name, count = head.text(), head.number("I")
        if count > MOST_DIMENSIONS:
            raise head.bad(f"gives tensor '{quote(name)}' {count} dimensions")
        shape = tuple(reversed([head.number("Q") for _ in range(count)]))
        listed.append((name, shape, head.number("I"), head.number("Q")))
    alignment = facts.get("general.alignment", 32)
    if type(alignment) is not int or not 1 <= alignment <= 1 << 20:
        raise head.bad(f"aligns its tensors to {quote(alignment, 40)}")
    here = size - head.left
    data = here + -here % alignment
    return GGUF(head.path, facts, {name: _place(head, name, s, k, data + at, size) for name, s, k, at in listed})


def _place(head: _Header, name: str, shape: tuple[int, ...], kind: int, start: int, size: int) -> Stored:
    from gguf import GGML_QUANT_SIZES, GGMLQuantizationType

    try:
        block, width = GGML_QUANT_SIZES[GGMLQuantizationType(kind)]
    except (ValueError, KeyError):
        raise head.bad(f"stores tensor '{quote(name)}' in the unknown type {kind}") from None
    entries = 1
    for length in shape:
        entries *= length
    if not shape or min(shape) < 1 or shape[-1] % block or entries > 1 << 40:
        raise head.bad(f"gives tensor '{quote(name)}' the shape {list(shape)}")
    taken = entries // block * width
    if start + taken > size:
        raise head.bad(f"puts tensor '{quote(name)}' beyond its end")
    return Stored(shape, kind, start, taken)
