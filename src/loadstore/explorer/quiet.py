"""Prints server messages to the terminal: the first of a kind at once, then one line per minute with a count."""

import logging
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from threading import Lock

from loadstore.visible import shown

EVERY = 60.0  # seconds
KINDS = 32  # kinds counted separately in one of these spans
LONGEST = 8000  # characters of one message (a traceback)


@dataclass
class Kind:
    """A kind of message: the start of its span, and the number of repetitions."""

    begun: float
    more: int = 0


class Quiet(logging.Handler):
    """A log handler, also usable by itself, that prints at most twice per kind and minute."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Start without any kind."""
        super().__init__(logging.WARNING)
        self._clock = clock
        self._kinds: dict[str, Kind] = {}
        self._guard = Lock()

    def emit(self, record: logging.LogRecord) -> None:
        """Handle a message of uvicorn; its kind is the message template."""
        error = record.exc_info[1] if record.exc_info else None
        self.tell(str(record.msg).strip(), error)

    def tell(self, message: str, error: BaseException | None = None) -> None:
        """Print a message, with the traceback of an error, or count it.

        Args:
            message: One line. Equal messages with equal types of error are one kind.
            error: The error, if the message is about one.
        """
        kind = message if error is None else f"{message} ({type(error).__name__})"
        with self._guard:
            now = self._clock()
            self._summarise(now)
            if kind not in self._kinds and len(self._kinds) >= KINDS:
                kind = "messages of other kinds"
            if kind in self._kinds:
                self._kinds[kind].more += 1
                return
            self._kinds[kind] = Kind(now)
        _print(kind if error is None else "".join(traceback.format_exception(error)))

    def summarise(self) -> None:
        """Print the counts of the kinds whose minute is over."""
        with self._guard:
            self._summarise(self._clock())

    def _summarise(self, now: float) -> None:
        for name, kind in list(self._kinds.items()):
            if now - kind.begun < EVERY:
                continue
            if kind.more:
                _print(f"{name}: {kind.more:,} more in {now - kind.begun:.0f} seconds")
                self._kinds[name] = Kind(now)
            else:
                del self._kinds[name]


def _print(text: str) -> None:
    safe = shown(text)
    if len(safe) > LONGEST:
        safe = f"{safe[: LONGEST // 2]}\n…\n{safe[-LONGEST // 2 :]}"
    with suppress(OSError, ValueError):  # the terminal may be closed
        print(f"loadstore explore: {safe}".rstrip(), file=sys.stderr, flush=True)
