"""Rows of one test are all tried, fail by name, and leave nothing to each other."""

from pathlib import Path

import pytest

pytest_plugins = ["pytester"]
FILE = """
import os
from each import each

@each(("number", "word"), [(1, "a"), (2, "b"), (3, "c")])
def test_rows(number, word, tmp_path, monkeypatch, capsys):
    print(word)
    assert capsys.readouterr().out == word + "\\n"
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "left").touch()
    assert "LEFT" not in os.environ
    monkeypatch.setenv("LEFT", "yes")
    print("left")
    assert number % 2 == 0, "odd"

@each("number", [1, 2])
def test_that_holds(number):
    assert number

@each("number", [])
def test_without_rows(number):
    assert number
"""


@pytest.fixture
def ran(pytester: pytest.Pytester) -> pytest.RunResult:
    pytester.makepyfile(FILE)
    pytester.syspathinsert(Path(__file__).parent)
    return pytester.runpytest_inprocess("-p", "no:cacheprovider", "-p", "no:jaxtyping")


def test_every_row_is_tried_and_a_failing_one_is_named(ran: pytest.RunResult) -> None:
    failed = [line for line in ran.outlines if line.startswith("SUBFAILED")]
    assert [line.partition("]")[0] for line in failed] == ["SUBFAILED[1-'a'", "SUBFAILED[3-'c'"]
    assert ran.outlines.count("E       AssertionError: odd") == 2


def test_a_test_fails_with_its_rows_or_without_any_and_else_passes(ran: pytest.RunResult) -> None:
    failed = {line.split("::")[1].split()[0] for line in ran.outlines if line.startswith("FAILED")}
    assert failed == {"test_rows", "test_without_rows"}
    assert ran.parseoutcomes()["passed"] == 1
    assert ran.ret == pytest.ExitCode.TESTS_FAILED
