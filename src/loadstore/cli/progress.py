"""Progress on stderr: a bar in a terminal, a line now and then elsewhere."""

import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from loadstore.cli.say import console
from loadstore.visible import line

if TYPE_CHECKING:
    from loadstore.training.loop import Progress

EVERY = 30.0  # seconds between lines where there is no terminal


@contextmanager
def training_bar(steps: int) -> Generator[Callable[["Progress"], None]]:
    """Show phase, loss, second-copy loss and the strongest heads while training."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    terminal = console(err=True)
    if not terminal.is_terminal:
        yield _lines()
        return
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=terminal) as bar:
        task = bar.add_task("starting", total=steps)

        def report(now: "Progress") -> None:
            bar.update(task, completed=now.step, description=_sentence(now))

        yield report


def _sentence(now: "Progress") -> str:
    return f"{now.phase}  loss {now.loss:.2f}  second copy {now.second_copy:.2f}  {now.scores}"


def _lines() -> Callable[["Progress"], None]:
    last = [0.0]

    def report(now: "Progress") -> None:
        if time.monotonic() - last[0] >= EVERY:
            last[0] = time.monotonic()
            print(f"step {now.step}/{now.steps}  {_sentence(now)}", file=sys.stderr, flush=True)

    return report


@contextmanager
def waiting(what: str) -> Generator[None]:
    """A spinner on stderr while something takes seconds; nothing where there is no terminal."""
    from rich.text import Text

    terminal = console(err=True)
    if terminal.is_terminal:
        with terminal.status(Text(line(what))):
            yield
    else:
        yield


@contextmanager
def counting(what: str) -> Generator[Callable[[int, int], None]]:
    """A bar on stderr for work that counts its steps, one run of them after another; a line now and then elsewhere."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    terminal = console(err=True)
    if not terminal.is_terminal:
        last = [time.monotonic()]

        def tell(done: int, of: int) -> None:
            if time.monotonic() - last[0] >= EVERY:
                last[0] = time.monotonic()
                print(f"{what}: {done}/{of}", file=sys.stderr, flush=True)

        yield tell
        return
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=terminal, transient=True) as bar:
        task = bar.add_task(line(what), total=None)
        yield lambda done, of: bar.update(task, completed=done, total=of)
