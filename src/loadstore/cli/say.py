"""The output of the command line: while a command runs, stdout and stderr are each an ``Output``.

All text is escaped, whether a command, typer, a library's warning or a traceback prints it: hidden characters by
``loadstore.visible``, and characters that the encoding lacks. If stdout is full or closed, the command ends with a
sentence; if the reader of a pipe has closed it, it ends without one. Errors of stderr are ignored, because there is no
other place to report them. Only pictures of rich (``console``) may control the terminal.
"""

import errno
import io
import os
import sys
from collections.abc import Collection, Generator, Sequence
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any, cast

from loadstore.visible import dumps, line, shown

if TYPE_CHECKING:
    from rich.console import Console

WIDE = 200  # columns if the output is not a terminal
READER_LEFT = 141  # the exit code that a shell reports for a command ended by SIGPIPE


class Output(io.TextIOBase):
    """A stream that accepts any text; each write is flushed.

    Args:
        stream: The underlying stream; None if the file is closed.
        err: Ignore a failed write; otherwise it raises BadRequest, or SystemExit if a pipe's reader has closed it.
        drawn: The texts are pictures, which may contain control characters.
    """

    encoding = "utf-8"  # pyright: ignore[reportAssignmentType, reportIncompatibleMethodOverride] what it accepts
    errors = "backslashreplace"  # pyright: ignore[reportAssignmentType, reportIncompatibleMethodOverride]

    def __init__(self, stream: Any, *, err: bool = False, drawn: bool = False) -> None:
        """Start with nothing written."""
        self.stream = stream
        self.err = err
        self._drawn = drawn
        self._lost: OSError | ValueError | None = None

    def write(self, text: str) -> int:
        """Write and flush; returns the number of characters of ``text``."""
        if not isinstance(text, str):  # pyright: ignore[reportUnnecessaryIsInstance] as typer asks whether bytes go
            raise TypeError(f"expected a text, got {type(text).__name__}")
        if not text:
            return 0
        try:
            if self._lost is not None:
                raise self._lost
            if self.stream is None:
                raise OSError(errno.EBADF, os.strerror(errno.EBADF))
            self.stream.write(self.fitting(text if self._drawn else shown(text)))
            self.stream.flush()
        except (OSError, ValueError) as error:  # ValueError: the stream was closed
            self._fail(error)
        return len(text)

    def fitting(self, text: str) -> str:
        """The text with escapes for characters that the file's encoding lacks."""
        encoding = getattr(self.stream, "encoding", None) or "utf-8"
        return text.encode(encoding, "backslashreplace").decode(encoding)

    def isatty(self) -> bool:
        """Whether the underlying stream is a terminal."""
        return self.stream is not None and self.stream.isatty()

    def fileno(self) -> int:
        """Return the underlying file descriptor. Raises OSError if there is none."""
        if self.stream is None:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        return self.stream.fileno()

    def writable(self) -> bool:
        """Return True."""
        return True

    def _fail(self, error: OSError | ValueError) -> None:
        from loadstore.errors import BadRequest

        self._lost = error
        self._forget()
        if self.err:
            return
        if isinstance(error, BrokenPipeError):
            raise SystemExit(READER_LEFT) from None
        reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
        raise BadRequest(
            f"standard output cannot be written ({reason}); free space there, or print to another place"
        ) from None

    def _forget(self) -> None:
        """Discard the stream's buffered text, which Python would otherwise write again at exit."""
        try:
            number = self.fileno()
            nowhere = os.open(os.devnull, os.O_WRONLY)
        except (OSError, ValueError):  # a stream in memory has no descriptor
            return
        os.dup2(nowhere, number)
        os.close(nowhere)


@contextmanager
def printing() -> Generator[None]:
    """Make stdout and stderr an ``Output`` each."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = Output(before[0]), Output(before[1], err=True)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def console(*, err: bool = False) -> "Console":
    """Return rich's console on stdout or stderr, without markup and emoji codes.

    Drawings are written unchanged: pass texts through ``loadstore.visible`` first.
    """
    from rich.console import Console

    picture = Output(_below(sys.stderr if err else sys.stdout), err=err, drawn=True)
    width = None if err or picture.isatty() else WIDE
    return Console(file=cast("IO[str]", picture), width=width, markup=False, emoji=False, highlight=False)


def print_document(document: Any) -> None:
    """Print one JSON document on one line; if the file is not Unicode, non-ASCII characters are escaped."""
    unicode = (getattr(_below(sys.stdout), "encoding", None) or "utf-8").lower().startswith("utf")
    print(dumps(document, ascii_only=not unicode))


def tell(text: str) -> None:
    """Print a paragraph; on a terminal its lines break between words."""
    if not sys.stdout.isatty():
        print(text)
        return
    from rich.text import Text

    console().print(Text(Output(_below(sys.stdout)).fitting(shown(text))))


def draw_table(
    columns: Sequence[str], rows: Sequence[Sequence[str]], numeric: Sequence[bool], bold: Collection[int] = ()
) -> None:
    """Print a table. Numbers are right-aligned and never cut; long texts are cut if the table is too wide.

    Args:
        columns: The heading of each column.
        rows: The cells of each row.
        numeric: For each column, whether it has numbers.
        bold: Indices of the rows that a terminal shows in bold.
    """
    from rich.table import Table
    from rich.text import Text

    output = Output(_below(sys.stdout))

    def cell(text: str) -> Text:
        return Text(output.fitting(line(text)), no_wrap=True, overflow="ellipsis")

    table = Table(box=None, pad_edge=False)
    for heading, number in zip(columns, numeric, strict=True):
        table.add_column(cell(heading), justify="right" if number else "left", no_wrap=number)
    for row_number, row in enumerate(rows):
        table.add_row(*map(cell, row), style="bold" if row_number in bold else None)
    console().print(table)


def _below(stream: Any) -> Any:
    return stream.stream if isinstance(stream, Output) else stream
