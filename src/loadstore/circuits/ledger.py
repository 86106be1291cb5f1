"""Keeps the numbers of a long computation in a file, by name, so that an interrupted run can resume."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

from loadstore.atomic import append_whole, write_whole
from loadstore.errors import BadRequest
from loadstore.quote import quote

MOST = 1 << 28  # bytes


class Ledger:
    """Lists of numbers, by name.

    Args:
        path: The file; with None, nothing is kept.
        facts: Identifies the computation. A file with other facts is refused.
        done: Called with each name once its numbers are available.
    """

    def __init__(self, path: Path | None, facts: str, done: Callable[[str], None] | None = None) -> None:
        """Read the file of an interrupted computation. Raises BadRequest if it belongs to another one."""
        self._path, self._found, self._done = path, dict[str, list[float]](), done
        if path is None:
            return
        first = json.dumps({"facts": facts})
        if not path.is_file():
            write_whole(path, f"{first}\n".encode())
            return
        if path.stat().st_size > MOST:
            raise BadRequest(f"{path} has more than {MOST:,} bytes; expected an interrupted proof; give another name")
        lines = path.read_bytes().split(b"\n")
        if lines[0] != first.encode():
            raise BadRequest(f"{path} holds the numbers of another proof; remove it, or give another name")
        whole = lines[1:-1]  # the last line may be incomplete
        try:
            entries = [json.loads(line) for line in whole]
            self._found = {str(name): [float(value) for value in values] for name, values in entries}
        except (ValueError, TypeError) as error:
            raise BadRequest(f"{path} is damaged ({quote(error)}); remove it") from None
        if lines[-1]:
            write_whole(path, b"\n".join([*lines[:-1], b""]))

    def numbers(self, name: str, compute: Callable[[], Sequence[float]]) -> list[float]:
        """The numbers of a name: the stored ones, or else those of ``compute``, which are then stored."""
        if name not in self._found:
            self._found[name] = [float(value) for value in compute()]
            if self._path is not None:
                append_whole(self._path, f"{json.dumps([name, self._found[name]])}\n".encode())
        if self._done is not None:
            self._done(name)
        return self._found[name]
