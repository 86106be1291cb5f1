"""How a command ends: 0, 1 for a fault of ours, 2 for an error on purpose, 128 and the number of a signal."""

import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from cli.conftest import Run

from loadstore.cli import app as commands
from loadstore.cli.interrupt import stoppable, stopped
from loadstore.errors import BadRequest, NoSuchSite, Undefined


def fail(error: BaseException) -> Callable[[], None]:
    def run(*, standalone_mode: bool) -> None:
        raise error

    return run


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (BadRequest("give less"), 2, "loadstore: give less\n"),
        (NoSuchSite("no L9.H9"), 2, "loadstore: no L9.H9\n"),
        (Undefined("one key"), 2, "loadstore: one key\n"),
        (SystemExit(0), 0, ""),
        (SystemExit(7), 7, ""),
        (KeyboardInterrupt(), 130, "loadstore: interrupted\n"),
    ],
    ids=repr,
)
def test_every_ending_has_its_code(
    loadstore: Run, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, told: str
) -> None:
    monkeypatch.setattr(commands, "app", fail(error))
    assert loadstore() == (code, "", told)


def test_a_fault_is_a_traceback_and_code_1(loadstore: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "app", fail(ZeroDivisionError("ours")))
    code, out, err = loadstore()
    assert (code, out) == (1, "")
    assert err.startswith("Traceback")
    assert "ZeroDivisionError: ours" in err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_unwinds_the_command_and_is_its_code(
    loadstore: Run, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    left: list[str] = []

    def run(*, standalone_mode: bool) -> None:
        try:
            signal.raise_signal(number)
        finally:
            left.append("unwound")

    monkeypatch.setattr(commands, "app", run)
    before = signal.signal(number, signal.SIG_DFL)  # the tests themselves may run under nohup
    try:
        code, _, _ = loadstore()
        assert signal.getsignal(number) is signal.SIG_DFL
    finally:
        signal.signal(number, before)
    assert (code, left) == (128 + number, ["unwound"])


def test_a_signal_that_is_ignored_stays_ignored(loadstore: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "app", lambda **_: signal.raise_signal(signal.SIGHUP))
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
    monkeypatch.setattr(sys, "argv", ["loadstore"])
    try:
        from loadstore.cli import main

        with pytest.raises(SystemExit):
            main()
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_run_that_was_asked_to_stop_ends_with_130_and_says_where(capsys: pytest.CaptureFixture[str]) -> None:
    with stoppable(Path("run")) as asked:
        assert not asked()
        signal.raise_signal(signal.SIGINT)
        assert asked()
    ended = stopped(Path("run"), 40)
    assert isinstance(ended, typer.Exit)
    assert ended.exit_code == 130
    assert capsys.readouterr().err == ("stopped after step 40 and saved in run: run the same command again to go on\n")
