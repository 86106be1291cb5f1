"""Seeded mutations of JSON and of files, and what every case must keep to: load, or refuse by a documented error."""

import json
import math
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from typing import Any

from hostile import unchecked

from loadstore.errors import LoadstoreError, Undefined
from loadstore.execution.run import run
from loadstore.model.weights import Weights
from loadstore.visible import line

MEMORY = 256 << 20  # bytes beyond those of the start that thousands of tiny cases may take at their peak
SECONDS = 2.0  # of the processor, for one tiny case
EVERY = 10  # how many of the models that load are run
NESTED: Any = [[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]
SCALARS: list[Any] = [
    *(None, True, False, 0, 1, -1, 2, 3, 7, 0.0, -0.0, 0.5, 1.5, -2.0, 1e-300, 1e300, 1e16),
    *(math.nan, math.inf, -math.inf, 2**31, 2**20, 2**63, 2**64, -(2**63), 10**4000),
    *("", "1", "-1", "True", "none", "nan", "../x", "\x00", "\ud800", "\x1b[2J", "x" * 5000, "é" * 40),
]
VALUES: list[Any] = [*SCALARS, [], [1], [None, None], [1, "a"], {}, {"a": 1}, {"": {}}, [[]], [{}], NESTED]


def near(value: Any, dice: random.Random) -> Any:
    """Something like a value: of another size, sign or type."""
    if isinstance(value, bool):
        return dice.choice([not value, int(value), str(value), None])
    if isinstance(value, int) and abs(value) > 1 << 64:
        return -value
    if isinstance(value, int | float):
        return dice.choice([value + 1, value - 1, value * 2, -value, float(value), str(value), [value], value / 2, 0])
    if isinstance(value, str):
        return dice.choice([value.upper(), value + "x", value[:-1], [value], {value: value}, None])
    if isinstance(value, list):
        return dice.choice([value[:-1], [*value, dice.choice(VALUES)], value * 2, dict.fromkeys(map(str, value)), None])
    return dice.choice(VALUES)


def mutated(value: Any, dice: random.Random, keys: list[str], values: list[Any]) -> Any:
    """A JSON value with one change, somewhere in it: removed, replaced, nudged, exchanged or added."""
    if isinstance(value, dict) and value and dice.random() < 0.95:
        changed, key = dict(value), dice.choice(list(value))
        match dice.randrange(7):
            case 0:
                del changed[key]
            case 1:
                changed[key] = dice.choice(values)
            case 2:
                changed[key] = near(value[key], dice)
            case 3:
                other = dice.choice(list(value))
                changed[key], changed[other] = changed[other], changed[key]
            case 4:
                changed[dice.choice(keys)] = dice.choice(values)
            case _:
                changed[key] = mutated(value[key], dice, keys, values)
        return changed
    if isinstance(value, list) and value and dice.random() < 0.8:
        index = dice.randrange(len(value))
        return [*value[:index], mutated(value[index], dice, keys, values), *value[index + 1 :]]
    return near(value, dice) if dice.random() < 0.6 else dice.choice(values)


def torn(content: bytes, dice: random.Random) -> bytes:
    """Bytes with some flipped, cut out, doubled or exchanged for brackets."""
    at, length = dice.randrange(len(content)), dice.choice([1, 1, 1, 4, 40])
    match dice.randrange(5):
        case 0:
            return content[:at]
        case 1:
            return content[:at] + content[at + length :]
        case 2:
            return content[:at] + content[at : at + length] * 2 + content[at + length :]
        case 3:
            return content[:at] + dice.choice([b"[" * 3000, b'{"a":' * 3000, b"9" * 5000, b"\xff"]) + content[at:]
        case _:
            return content[:at] + bytes([content[at] ^ (1 << dice.randrange(8))]) + content[at + 1 :]


def dumped(value: Any) -> bytes:
    """JSON as Python writes it, NaN and lone surrogates included."""
    return json.dumps(value).encode()


def rewrite(path: Path, content: bytes) -> None:
    """Put other content into a file without emptying it first, which a disk would wait for."""
    with path.open("r+b") as file:
        file.write(content)
        file.truncate()


def check(cases: Iterator[object], load: Callable[[], Weights], where: Path) -> dict[str, int]:
    """Load after every case is written; count outcomes. A case that does anything else fails the test.

    Each either loads, and then runs, or raises a documented error of one plain line that names the file; none takes
    long, and all together little memory.
    """
    counts = {"loaded": 0}
    with unchecked(), bounded(MEMORY):
        for number, case in enumerate(cases):
            start = time.process_time()
            try:
                model = load()
                counts["loaded"] += 1
                if counts["loaded"] % EVERY == 0:
                    with suppress(Undefined):  # the numbers of a file may be finite, and those of a pass not
                        assert run(model, [1]).logits.shape == (1, model.architecture.vocab)
            except LoadstoreError as error:
                message = str(error)
                assert str(where) in message, f"case {number}: the file is not named: {message}; {case!r:.2000}"
                assert message == line(message), f"case {number}: more than a plain line: {message!r}; {case!r:.2000}"
                assert len(message) < 800 + message.count(str(where)) * len(str(where)), f"case {number}: {message}"
                counts[type(error).__name__] = counts.get(type(error).__name__, 0) + 1
            except BaseException as error:
                error.add_note(f"case {number}: {case!r:.3000}")
                raise
            spent = time.process_time() - start
            assert spent < SECONDS, f"case {number} took {spent:.1f} s: {case!r:.2000}"
    return counts


@contextmanager
def bounded(most: int) -> Iterator[None]:
    """Fail where the process holds more than ``most`` bytes beyond those of the start at any time in between."""
    reset = Path("/proc/self/clear_refs")
    if reset.exists():  # Linux: forget earlier peaks
        reset.write_text("5")
    start = peak()
    yield
    assert peak() - start < most, f"{(peak() - start) >> 20} MB at the peak"


def peak() -> int:
    """Bytes that the process held at most since the peak was forgotten, or since it began."""
    status = Path("/proc/self/status")
    if not status.exists():
        return getrusage(RUSAGE_SELF).ru_maxrss
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) << 10
