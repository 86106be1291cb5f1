"""Shows the formation of an induction head: a live picture in a terminal, otherwise a line from time to time."""

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from loadstore.cli.plot import sparkline
from loadstore.cli.say import console
from loadstore.training.formation import strongest

if TYPE_CHECKING:
    from loadstore.training.history import Line
    from loadstore.training.loop import Progress

EVERY = 25  # steps between lines without a terminal
WIDTH = 56


@contextmanager
def watching(steps: int, highest_loss: float) -> Generator[Callable[["Progress"], None]]:
    """Show progress, both losses and the strongest heads on stdout during a run."""
    from rich.console import Group
    from rich.live import Live
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
    from rich.text import Text

    terminal = console()
    if not terminal.is_terminal:
        yield _lines()
        return
    bar = Progress(TextColumn("training"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=terminal)
    task = bar.add_task("", total=steps)
    seen: list[Line] = []

    with Live(bar, console=terminal, refresh_per_second=8) as live:

        def report(now: "Progress") -> None:
            if not seen or now.line["step"] != seen[-1]["step"]:
                seen.append(now.line)
            bar.update(task, completed=now.step)
            live.update(Group(bar, Text("\n".join(picture(now, seen, highest_loss)))))

        yield report


def picture(now: "Progress", seen: Sequence["Line"], highest_loss: float) -> list[str]:
    """The terminal lines below the bar: losses, and the best heads' scores at all measured steps so far."""
    previous = [strongest(line, "previous", layer=0) for line in seen]
    induction = [strongest(line, "induction") for line in seen]
    second = [float(line["second_copy_loss"]) for line in seen]
    return [
        f"loss in nats    first copies {now.first_copy:5.2f}    second copies {now.second_copy:5.2f}",
        "",
        f"second copies   {sparkline(second, 0.0, highest_loss, WIDTH):<{WIDTH}} {second[-1]:5.2f}  nats",
        f"previous token  {sparkline(_values(previous), 0.0, 1.0, WIDTH):<{WIDTH}} {_best(previous)}",
        f"induction       {sparkline(_values(induction), 0.0, 1.0, WIDTH):<{WIDTH}} {_best(induction)}",
        f"                measured {len(seen)} times, at log-spaced steps; 0 to 1, losses 0 to {highest_loss:.1f}",
    ]


def _values(history: Sequence[tuple[str, float]]) -> list[float]:
    return [value for _, value in history]


def _best(history: Sequence[tuple[str, float]]) -> str:
    head, value = history[-1]
    return f"{value:5.2f}  {head}"


def _lines() -> Callable[["Progress"], None]:
    def report(now: "Progress") -> None:
        if now.step % EVERY == 0:
            previous, induction = strongest(now.line, "previous", layer=0), strongest(now.line, "induction")
            print(
                f"step {now.step}/{now.steps}  first copies {now.first_copy:.2f}  second copies {now.second_copy:.2f} "
                f"nats  previous token {previous[0]} {previous[1]:.2f}  induction {induction[0]} {induction[1]:.2f}",
                flush=True,
            )

    return report
