"""Ctrl-C while training: the first finishes the step and saves, the second stops at once."""

import signal
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import typer

INTERRUPTED = 130


@contextmanager
def stoppable(folder: Path) -> Generator[Callable[[], bool]]:
    """Yield a function that returns whether SIGINT came; a second SIGINT exits with 130 and explains how to resume."""
    asked: list[int] = []

    def handle(number: int, frame: FrameType | None) -> None:
        asked.append(number)
        if len(asked) > 1:
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, handle)
    try:
        yield lambda: bool(asked)
    except KeyboardInterrupt:
        typer.echo(f"stopped at once; what {folder} holds is whole: run the same command again to go on", err=True)
        raise typer.Exit(INTERRUPTED) from None
    finally:
        signal.signal(signal.SIGINT, before)


def stopped(folder: Path, step: int) -> typer.Exit:
    """Print where a run stopped and how to resume; return the exit exception."""
    typer.echo(f"stopped after step {step} and saved in {folder}: run the same command again to go on", err=True)
    return typer.Exit(INTERRUPTED)
