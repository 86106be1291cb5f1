"""The command line: every loadstore error is one sentence on stderr, with exit code 2."""

import os
import signal
import sys
import threading
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType
from typing import TextIO


def main() -> None:
    """Run ``loadstore``."""
    try:
        from loadstore.cli.say import printing

        with _unwinding(), printing(), _plain_warnings():
            from loadstore.cli.app import app
            from loadstore.cli.usage import refusal
            from loadstore.errors import LoadstoreError

            try:
                code = app(standalone_mode=False)
            except LoadstoreError as error:
                print(f"loadstore: {error}", file=sys.stderr)
                sys.exit(2)
            except (OverflowError, RuntimeWarning) as fault:  # NumPy's, which ``_plain_warnings`` turns into exceptions
                from loadstore.overflows import out_of_range

                print(f"loadstore: {out_of_range(fault)}", file=sys.stderr)
                sys.exit(2)
            except Exception as error:
                if sentence := refusal(error):
                    print(sentence, file=sys.stderr)
                    sys.exit(2)
                import traceback  # a bug: Python's own traceback would print quoted text unescaped

                traceback.print_exc()
                sys.exit(1)
        sys.exit(code or 0)  # from typer.Exit
    except KeyboardInterrupt:
        print("loadstore: interrupted", file=sys.stderr)
        sys.exit(130)


@contextmanager
def _unwinding() -> Generator[None]:
    """Turn SIGTERM and SIGHUP into an exception, so that temporary files are removed; a second one kills.

    Before Python 3.12 an exception in a ``__set_name__``, which every class with fields calls while it is imported,
    becomes a RuntimeError. A signal that comes there, SIGINT too, is sent again a moment later.
    """

    def end(number: int, frame: FrameType | None) -> None:
        if _is_named(frame):
            threading.Timer(0.01, os.kill, (os.getpid(), number)).start()
        elif number == signal.SIGINT:
            raise KeyboardInterrupt
        else:
            signal.signal(number, signal.SIG_DFL)
            sys.exit(128 + number)

    before = {signal.SIGTERM: signal.SIG_DFL, signal.SIGHUP: signal.SIG_DFL, signal.SIGINT: signal.default_int_handler}
    if threading.current_thread() is not threading.main_thread():
        before = {}
    taken = [number for number in before if signal.getsignal(number) is before[number]]  # nohup ignores SIGHUP
    for number in taken:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, before[number])


def _is_named(frame: FrameType | None) -> bool:
    """Whether an attribute of a class is being given its name."""
    while frame is not None and frame.f_code.co_name != "__set_name__":
        frame = frame.f_back
    return frame is not None


@contextmanager
def _plain_warnings() -> Generator[None]:
    """Print loadstore's warnings as plain sentences; those of libraries keep their source location.

    A result that leaves the range of double precision is an error.
    """

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        ours = category.__module__.partition(".")[0] == "loadstore"
        text = f"loadstore: {message}\n" if ours else warnings.formatwarning(message, category, filename, lineno, line)
        print(text, end="", file=file or sys.stderr)

    with warnings.catch_warnings():
        warnings.showwarning = show
        warnings.filterwarnings("error", "(overflow|invalid value) encountered", RuntimeWarning)
        yield
