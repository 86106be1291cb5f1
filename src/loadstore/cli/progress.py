"""Progress on stderr: a bar in a terminal, a line now and then elsewhere."""

import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from loadstore.training.loop import Progress

EVERY = 30.0  # seconds between lines where there is no terminal


@contextmanager
def training_bar(steps: int) -> Generator[Callable[["Progress"], None]]:
    """Show phase, loss, second-copy loss and the strongest heads while training."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    if not console.is_terminal:
        yield _lines()
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as bar:
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
    from rich.console import Console

    console = Console(stderr=True)
    if console.is_terminal:
        with console.status(what):
            yield
    else:
        yield


@contextmanager
def counting(what: str) -> Generator[Callable[[int, int], None]]:
    """A bar on stderr for work that counts its steps, one run of them after another; a line now and then elsewhere."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    if not console.is_terminal:
        last = [time.monotonic()]

        def line(done: int, of: int) -> None:
            if time.monotonic() - last[0] >= EVERY:
                last[0] = time.monotonic()
                print(f"{what}: {done}/{of}", file=sys.stderr, flush=True)

        yield line
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, of: bar.update(task, completed=done, total=of)
