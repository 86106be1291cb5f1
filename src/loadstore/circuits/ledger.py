"""Numbers of a long computation by name, kept in a file as they are found, so that it goes on where it stopped."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

from loadstore.atomic import append_whole, write_whole
from loadstore.errors import BadRequest
from loadstore.quote import quote

MOST = 1 << 28  # bytes


class Ledger:
    """Lists of numbers by name.

    Args:
        path: The file; None keeps nothing.
        facts: What the numbers are of. Those of a file that says otherwise are not used.
        done: Called with each name once its numbers are there.
    """

    def __init__(self, path: Path | None, facts: str, done: Callable[[str], None] | None = None) -> None:
        """Read what an interrupted computation left. Raises BadRequest for a file of something else."""
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
        whole = lines[1:-1]  # the last line may be torn
        try:
            entries = [json.loads(line) for line in whole]
            self._found = {str(name): [float(value) for value in values] for name, values in entries}
        except (ValueError, TypeError) as error:
            raise BadRequest(f"{path} is damaged ({quote(error)}); remove it") from None
        if lines[-1]:
            write_whole(path, b"\n".join([*lines[:-1], b""]))

    def numbers(self, name: str, compute: Callable[[], Sequence[float]]) -> list[float]:
        """The numbers of a name: those that are known, or what ``compute`` gives, which is kept."""
        if name not in self._found:
            self._found[name] = [float(value) for value in compute()]
            if self._path is not None:
                append_whole(self._path, f"{json.dumps([name, self._found[name]])}\n".encode())
        if self._done is not None:
            self._done(name)
        return self._found[name]
