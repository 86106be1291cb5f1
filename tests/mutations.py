"""Files made wrong at random, but the same way every time: what reads them must read a model or say what is wrong."""

import random
import re
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hostile import unchecked

from loadstore.errors import LoadstoreError
from loadstore.model.weights import Weights
from loadstore.visible import line

# What counts, lengths, sizes and offsets are replaced by.
NUMBERS = [0, 1, 2, 3, 7, 31, 255, 256, 10**7, 2**24, 2**31 - 1, 2**31, 2**32 - 1, 2**40, 2**62, 2**63 - 1, 2**64 - 1]


def mutated(content: bytes, dice: random.Random, head: int | None = None) -> bytes:
    """Return a file with one to three wounds, most of them in its first ``head`` bytes."""
    for _ in range(dice.choice((1, 1, 2, 3))):
        inside = head if head is not None and dice.random() < 0.85 else len(content)
        content = dice.choice(WOUNDS)(bytearray(content), dice, max(1, min(inside, len(content))))
    return content


def _flip(content: bytearray, dice: random.Random, end: int) -> bytes:
    for _ in range(dice.choice((1, 1, 2, 8))):
        if content:
            content[dice.randrange(min(end, len(content)))] ^= 1 << dice.randrange(8)
    return bytes(content)


def _byte(content: bytearray, dice: random.Random, end: int) -> bytes:
    at = dice.randrange(end)
    content[at : at + 1] = bytes([dice.choice((0, 1, 9, 0x7F, 0x80, 0xFF, dice.randrange(256)))])
    return bytes(content)


def _cut(content: bytearray, dice: random.Random, end: int) -> bytes:
    return bytes(content[: dice.randrange(end + 1)])


def _number(content: bytearray, dice: random.Random, end: int) -> bytes:
    number, code = dice.choice(NUMBERS), dice.choice(("<I", "<Q"))
    packed = struct.pack(code, number % (1 << 8 * struct.calcsize(code)))
    at = dice.randrange(end)
    content[at : at + len(packed)] = packed
    return bytes(content)


def _digits(content: bytearray, dice: random.Random, end: int) -> bytes:
    """Another number where a text has one."""
    places = [found.start() for found in re.finditer(rb"[0-9]", content[:end])]
    if not places:
        return _number(content, dice, end)
    at = dice.choice(places)
    content[at : at + 1] = str(dice.choice((*NUMBERS, -1, 1.5, 1e308))).encode()
    return bytes(content)


def _remove(content: bytearray, dice: random.Random, end: int) -> bytes:
    at = dice.randrange(end)
    del content[at : at + dice.choice((1, 4, 8, 64))]
    return bytes(content)


def _repeat(content: bytearray, dice: random.Random, end: int) -> bytes:
    at, length = dice.randrange(end), dice.choice((1, 4, 8, 64, 512))
    content[at:at] = content[at : at + length] * dice.choice((1, 1, 3))
    return bytes(content)


def _swap(content: bytearray, dice: random.Random, end: int) -> bytes:
    one, other, length = dice.randrange(end), dice.randrange(end), dice.choice((1, 4, 8, 32))
    first, second = bytes(content[one : one + length]), bytes(content[other : other + length])
    content[one : one + length], content[other : other + length] = second, first
    return bytes(content)


WOUNDS = (_flip, _byte, _cut, _number, _number, _digits, _remove, _repeat, _swap)


def survive(
    cases: Iterator[tuple[str, bytes]], path: Path, load: Callable[[Path], Weights], use: Callable[[Weights], object]
) -> tuple[int, int]:
    """Load and use every case; return how many were models and how many were refused.

    A refusal is a LoadstoreError of one short line that names the file; any other outcome fails the test.
    """
    models = refused = 0
    with unchecked():
        for name, content in cases:
            path.unlink(missing_ok=True)  # another file: what is mapped of the last one stays as it is
            path.write_bytes(content)
            try:
                use(load(path))
                models += 1
            except LoadstoreError as error:
                message = str(error)
                if str(path.parent) not in message or message != line(message) or len(message) > 900:
                    pytest.fail(f"{name}: {type(error).__name__}: {message}")
                refused += 1
            except Exception as error:  # whatever else is raised is the failure that is looked for
                raise AssertionError(f"{name}: {type(error).__name__}: {error}") from error
    return models, refused
