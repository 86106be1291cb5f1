"""Damaged files of every format: a documented error, or what the whole file gives."""

import json
import random
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from fuzz import VALUES, dumped
from fuzz import mutated as other_json
from mutations import mutated as other_bytes

from attack.formats import Format, formats
from attack.tally import Tally, Wrong
from loadstore.errors import LoadstoreError

SECONDS = 20.0


def attack(tally: Tally, seed: int, *, few: bool = False) -> None:
    """Damage one file after the other in turn until the time is up."""
    dice = random.Random(seed)
    for turn in range(1 if few else 1000):
        with TemporaryDirectory() as folder:
            given = formats(Path(folder), seed + turn, few=few)
            whole = {form.name: (form.path.read_bytes(), intact(tally, form)) for form in given}
            for number in range(2 if few else 150):
                for form in given:
                    content, expected = whole[form.name]
                    damage(tally, form, content, expected, dice, f"seed {seed + turn}, damage {number}")
                if tally.over and not few:
                    return


def intact(tally: Tally, form: Format) -> Any:
    """What the whole file gives; a file that cannot be read is a fault of the attack."""
    content = form.path.read_bytes()

    def whole() -> Any:
        try:
            return form.read()
        except LoadstoreError as error:
            raise Wrong(f"the whole file is refused: {error}") from None

    result = tally.attempt("a whole file", form.name, whole, SECONDS)
    form.path.write_bytes(content)  # a file to go on with is removed when all is done
    return result


def damage(tally: Tally, form: Format, content: bytes, expected: Any, dice: random.Random, where: str) -> None:
    """Read a damaged file; then put the whole one back."""
    wound = damaged(form, content, dice)
    form.path.unlink(missing_ok=True)  # what is mapped of the last one stays as it is
    form.path.write_bytes(wound)
    try:
        tally.attempt(form.name, f"{where}: {wound[:200]!r}", lambda: read(form, expected), SECONDS)
    finally:
        form.path.unlink(missing_ok=True)
        form.path.write_bytes(content)


def read(form: Format, expected: Any) -> None:
    """Raise Wrong where a damaged file is read as something else than it was, in a format that has a digest."""
    if (found := form.read()) != expected:
        raise Wrong(f"damage went unnoticed: {str(found)[:80]} is not {str(expected)[:80]}")


def damaged(form: Format, content: bytes, dice: random.Random) -> bytes:
    """Bytes with one to three wounds; of a JSON file half the time another value somewhere."""
    if form.path.suffix in (".json", ".jsonl") and dice.random() < 0.6:
        lines = content.split(b"\n") if form.path.suffix == ".jsonl" else [content]
        at = dice.randrange(len(lines))
        if lines[at].strip():
            value = json.loads(lines[at])
            lines[at] = dumped(other_json(value, dice, list(value), VALUES))
            return b"\n".join(lines)
    return other_bytes(content, dice, form.head)
