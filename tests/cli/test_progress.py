"""Steps and the time left on stderr: where there is no terminal a line now and then."""

import time

import pytest

from loadstore.cli import progress
from loadstore.cli.progress import counting, duration, sentence, steps, waiting


def test_a_line_names_the_step_and_the_time_left(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    with steps("report") as show:
        show("roles", 1, 4, 0.0)
        now[0] += progress.SOON - 0.1
        show("scores", 2, 4, 0.2)
        assert capsys.readouterr().err == ""  # too soon
        now[0] += 0.1
        show("traffic", 3, 4, 0.25)
        now[0] += progress.EVERY - 0.1
        show("dossier", 4, 4, 0.9)
    assert capsys.readouterr().err == "report: traffic (3 of 4), about 15 s left\n"


def test_steps_without_names_and_expected_times(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    with counting("wires") as show:
        now[0] += progress.SOON
        show(1, 4)
    with waiting("roles", progress.SOON):
        pass
    with waiting("roles", progress.SOON - 0.1):
        pass
    assert capsys.readouterr().err == "wires: 1 of 4, about 15 s left\nroles: 1 of 1, about 5 s left\n"


def test_a_bar_names_the_step_and_the_time_left(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "120")
    with steps("report [x]", 90.0) as show:
        show("roles", 1, 4, 0.0)
    told = capsys.readouterr().err
    assert "report [x]" in told
    assert "roles (1 of 4)" in told
    assert "about 90 s left" in told


def test_times_have_a_unit_that_suits() -> None:
    assert [duration(s) for s in (0.2, 119.0, 120.0, 7199.0, 7200.0)] == ["0 s", "119 s", "2 min", "120 min", "2 h"]
    assert sentence("", 0, 0, 0.0, 1.0) == "0 of 0"
    assert sentence("a", 1, 2, 0.0, 1.0, 90.0) == "a (1 of 2), about 90 s left"
