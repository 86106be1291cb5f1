"""``metrics.jsonl``: what was measured at log-spaced steps, one JSON object a line, no step twice."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from loadstore.atomic import append_whole, write_whole
from loadstore.errors import BadRequest

METRICS = "metrics.jsonl"
Line = dict[str, Any]


def log_spaced(last: int, per_octave: int = 3) -> Iterator[int]:
    """Yield 0, 1, 2, 3, 4, 5, 6, 8, 10, 13, 16, … up to ``last``: about so many steps an octave."""
    yield 0
    seen = 0
    for k in range(per_octave * 40):
        step = round(2 ** (k / per_octave))
        if step > last:
            return
        if step > seen:
            seen = step
            yield step


def read_lines(path: Path) -> list[Line]:
    """Every whole line of a ``metrics.jsonl``; a torn last one is left out, since it will be measured again.

    Raises BadRequest for a line that is wrong and not the last.
    """
    lines: list[Line] = []
    try:
        texts = path.read_text(encoding="utf-8", errors="replace").split("\n")
    except FileNotFoundError:
        return lines
    except OSError as error:
        raise BadRequest(f"{path} cannot be read ({error.strerror}); move it away") from None
    while texts and not texts[-1]:
        texts.pop()
    for number, text in enumerate(texts, 1):
        try:
            line: Any = json.loads(text)
            if not isinstance(line, dict) or type(line["step"]) is not int:
                raise ValueError("no step")
            lines.append(line)
        except (ValueError, KeyError, RecursionError):
            if number < len(texts):
                raise BadRequest(f"line {number} of {path} is damaged; restore or delete the file") from None
    return lines


class History:
    """The file and its lines; those at or past a resumed step are dropped, for they will be measured again."""

    def __init__(self, path: Path, step: int, per_octave: int) -> None:
        self.path = path
        self.moments = set(log_spaced(1 << 20, per_octave)) - {1, 2, 3}
        self.lines = [line for line in read_lines(path) if line["step"] < step]
        kept = b"".join(map(_encoded, self.lines))
        if not path.exists() or path.read_bytes() != kept:
            write_whole(path, kept)

    def add(self, line: Line) -> None:
        """Append one line and sync it, so that it is on the disk before any later state. Raises BadRequest."""
        append_whole(self.path, _encoded(line))
        self.lines.append(line)


def _encoded(line: Line) -> bytes:
    return json.dumps(line).encode() + b"\n"
