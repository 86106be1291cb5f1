"""Reads JSON from a file, which may be truncated or malicious."""

import json
from collections import Counter
from pathlib import Path
from typing import Any, cast

from loadstore.errors import BadCheckpoint
from loadstore.quote import quote
from loadstore.reading import reads

MOST = 64 << 20  # bytes: ten times the largest published index or tokenizer


def json_object(path: Path, what: str, remedy: str) -> dict[str, Any]:
    """The JSON object in a file; ``what`` and ``remedy`` appear in the message. Raises BadCheckpoint."""
    reads(path)
    try:
        if (size := path.stat().st_size) > MOST:
            raise BadCheckpoint(f"{what} has {size:,} bytes, expected at most {MOST:,}; {remedy}")
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise BadCheckpoint(f"{what} is not JSON ({quote(error)}); {remedy}") from None
    return parsed(text, what, remedy)


def parsed(text: str | bytes, what: str, remedy: str) -> dict[str, Any]:
    """Parse a JSON object; a duplicate key is an error. Raises BadCheckpoint."""
    try:
        value: object = json.loads(text, object_pairs_hook=_unique)
    except _Twice as error:
        raise BadCheckpoint(f"{what} has '{quote(error, 60)}' twice, expected each name once; {remedy}") from None
    except (ValueError, RecursionError) as error:
        raise BadCheckpoint(f"{what} is not JSON ({quote(error)}); {remedy}") from None
    if not isinstance(value, dict):
        raise BadCheckpoint(f"{what} is a {type(value).__name__}, expected an object; {remedy}")
    return cast("dict[str, Any]", value)


class _Twice(Exception):
    """A key that occurs twice in one object."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) < len(pairs):
        raise _Twice(Counter(name for name, _ in pairs).most_common(1)[0][0])
    return table
