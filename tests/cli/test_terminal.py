"""In a terminal: progress is a bar with the time left, and a program is coloured."""

import io
import sys
import time
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from loadstore.cli import listing, progress, say
from loadstore.cli.progress import steps, training_bar


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What a terminal of 100 columns was sent."""
    sent = io.StringIO()
    terminal = Console(file=sent, force_terminal=True, width=100, color_system="standard")
    monkeypatch.setattr(progress, "console", lambda err=False: terminal)
    monkeypatch.setattr(say, "console", lambda err=False: terminal)
    return sent


def test_a_bar_has_the_step_and_the_time_left(screen: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    now, real = [0.0], time.monotonic
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0] or real())
    now[0] = 100.0
    with steps("report", expected=40.0) as show:
        show("roles", 1, 4, 0.0)
        now[0] += 10
        show("scores", 2, 4, 0.25)
    sent = screen.getvalue()
    assert "scores (2 of 4)" in sent
    assert "about 30 s left" in sent


def test_the_bar_of_a_training_run_has_its_losses(screen: io.StringIO) -> None:
    state: dict[str, Any] = {"phase": "repeats", "loss": 2.5, "scores": "induction .10"}
    with training_bar(10) as report:
        report(SimpleNamespace(step=9, steps=10, second_copy=1.25, **state))  # pyright: ignore[reportArgumentType]
    assert "repeats  loss 2.50  second copy 1.25  induction .10" in screen.getvalue()
    assert "9/10" in screen.getvalue()


def test_a_program_is_coloured_and_says_the_same(screen: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdout", Terminal())
    listing._echo("L1.H4  LOAD.K a·1\nL1.H4  STORE  b ; estimated")
    sent = screen.getvalue()
    assert "\x1b[36mLOAD.K\x1b[0m" in sent
    assert "\x1b[33mSTORE\x1b[0m" in sent
    assert "estimated" in sent
