"""What was tried, how often, and what came of it: right, a documented error, or a failure that has a name."""

import json
import signal
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from loadstore.errors import LoadstoreError
from loadstore.visible import line

RIGHT, REFUSED, FAILED = "right", "documented error", "FAILED"
OUTCOMES = (RIGHT, REFUSED, FAILED)
LIMIT = 60.0  # seconds after which a single try hangs
LONGEST = 1_499  # characters of a documented error; one of 1,500 has lost its middle
SHOWN = 300  # characters of a failure


class Wrong(Exception):
    """A result that an oracle contradicts, or an answer that nothing documents."""


class Hangs(BaseException):
    """A try that took longer than its limit."""


@dataclass
class Tally:
    """The counts of one part, and its failures.

    Args:
        part: The name of the part.
        until: When to stop, as ``time.monotonic`` counts.
        trace: A file that always names what is being tried, for a process that dies.
    """

    part: str
    until: float = float("inf")
    trace: Path | None = None
    counts: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    failures: list[str] = field(default_factory=list[str])

    @property
    def over(self) -> bool:
        """Whether the time of the part is up."""
        return time.monotonic() > self.until

    @property
    def tries(self) -> int:
        """How often anything was tried."""
        return self.counts.total()

    def count(self, what: str, outcome: str, where: str = "", why: str = "") -> None:
        """Count one outcome; a failure is kept with its place."""
        self.counts[what, outcome] += 1
        if outcome == FAILED:
            self.failures.append(f"{self.part}: {what}: {where}: {line(why)[:SHOWN]}")

    def attempt(self, what: str, where: str, call: Callable[[], Any], seconds: float = LIMIT) -> Any:
        """Call once and count the outcome; the result, or None where there is none."""
        if self.trace is not None:
            self.trace.write_text(f"{what}: {where}", encoding="utf-8")
        try:
            with within(seconds), warnings.catch_warnings():
                warnings.simplefilter("error")
                result = call()
        except LoadstoreError as error:
            why = unfit(str(error))
            self.count(what, FAILED if why else REFUSED, where, why)
            return None
        except (Exception, SystemExit, Hangs) as error:
            self.count(what, FAILED, where, f"{type(error).__name__}: {str(error)[:SHOWN]} ({place(error)})")
            return None
        self.count(what, RIGHT)
        return result

    def document(self) -> dict[str, Any]:
        """The tally as JSON has it."""
        rows = [[what, outcome, number] for (what, outcome), number in sorted(self.counts.items())]
        return {"part": self.part, "rows": rows, "failures": self.failures}

    @staticmethod
    def of(document: dict[str, Any]) -> "Tally":
        """The tally of a document."""
        tally = Tally(document["part"], failures=list(document["failures"]))
        tally.counts.update({(what, outcome): number for what, outcome, number in document["rows"]})
        return tally

    def save(self, path: Path) -> None:
        """Write the tally for the process that started this one."""
        path.write_text(json.dumps(self.document()), encoding="utf-8")


def unfit(message: str) -> str:
    """Why the message of a documented error is not one; empty where it is."""
    if not message.strip():
        return "a documented error without a message"
    if message != line(message):
        return f"a documented error of more than a plain line: {message!r}"
    return f"a documented error of {len(message)} characters: {message}" if len(message) > LONGEST else ""


def place(error: BaseException) -> str:
    """The innermost lines of loadstore that an exception came through."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "loadstore" in frame.filename]
    return " < ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(frames[-3:])) or "elsewhere"


@contextmanager
def within(seconds: float) -> Generator[None]:
    """Raise Hangs in this thread, the main one, where the block takes longer."""

    def ring(number: int, frame: FrameType | None) -> None:
        raise Hangs(f"more than {seconds:g} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
