"""Progress on stderr: a bar in a terminal, otherwise a line from time to time."""

import math
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from loadstore.cli.say import console
from loadstore.visible import line

if TYPE_CHECKING:
    from loadstore.training.loop import Progress

EVERY = 30.0  # seconds between lines without a terminal
SOON = 5.0  # seconds until the first line


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
    copies = f"second copy {now.second_copy:.2f}  " if math.isfinite(now.second_copy) else ""  # text has none
    return f"{now.phase}  loss {now.loss:.2f}  {copies}{now.scores}"


def _lines() -> Callable[["Progress"], None]:
    last = [0.0]

    def report(now: "Progress") -> None:
        if time.monotonic() - last[0] >= EVERY:
            last[0] = time.monotonic()
            print(f"step {now.step}/{now.steps}  {_sentence(now)}", file=sys.stderr, flush=True)

    return report


@contextmanager
def counting(what: str) -> Generator[Callable[[int, int], None]]:
    """Show work that counts its steps, with the time left: a bar in a terminal, otherwise occasional lines."""
    with steps(what) as show:
        yield lambda done, of: show("", done, of, done / of if of else 0.0)


@contextmanager
def waiting(what: str, expected: float) -> Generator[None]:
    """Show work that does not count its steps, with the time left from its expected seconds."""
    with steps(what, expected) as show:
        show("", 1, 1, 0.0)
        yield


@contextmanager
def steps(what: str, expected: float | None = None) -> Generator[Callable[[str, int, int, float], None]]:
    """Show named steps, with the time left: a bar in a terminal, otherwise occasional lines.

    The yielded function takes the name of the current step, its number, the number of steps, and the expected share of
    the work that is done. The time left is computed from that share and the elapsed time; as long as the share is 0,
    from ``expected`` seconds.
    """
    terminal, start = console(err=True), time.monotonic()
    if not terminal.is_terminal:
        slow = expected is not None and expected >= SOON
        last = [start - EVERY + (0.0 if slow else SOON)]

        def tell(name: str, number: int, of: int, share: float) -> None:
            now = time.monotonic()
            if now - last[0] >= EVERY:
                last[0] = now
                message = sentence(name, number, of, share, now - start, expected)
                print(f"{what}: {message}", file=sys.stderr, flush=True)

        yield tell
        return
    from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn
    from rich.text import Text

    class Left(ProgressColumn):
        """The current time until the expected end."""

        def render(self, task: Task) -> Text:
            end = task.fields["end"]
            return Text("" if end is None else f"about {duration(max(0.0, end - time.monotonic()))} left")

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[now]}", markup=False),
        Left(),
    )
    with Progress(*columns, console=terminal, transient=True) as bar:
        task = bar.add_task(line(what), total=None, now="", end=None if expected is None else start + expected)

        def show(name: str, number: int, of: int, share: float) -> None:
            seconds = time.monotonic() - start
            bar.update(task, completed=share, total=1.0, now=line(counted(name, number, of)))
            if share > 0:
                bar.update(task, end=start + seconds / share)

        yield show


def counted(name: str, number: int, of: int) -> str:
    """``roles of all heads (1 of 12)``, or ``1 of 12`` for steps without names."""
    return f"{name} ({number} of {of})" if name else f"{number} of {of}"


def sentence(name: str, number: int, of: int, share: float, seconds: float, expected: float | None = None) -> str:
    """The step, and the time left: from the share of the work done in ``seconds``, or else from ``expected``."""
    left = expected if share <= 0 else seconds * (1 - share) / share
    return counted(name, number, of) + ("" if left is None else f", about {duration(left)} left")


def duration(seconds: float) -> str:
    """``4 s``, ``3 min``, ``2 h``: a whole number of a suitable unit."""
    for size, unit in ((3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
