"""The attack still runs, a few tries of every part, and it notices what it is there to notice."""

import os
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from attack.commands import check
from attack.made import Plan, made
from attack.models import weights_alone
from attack.questions import answered
from attack.run import PARTS, apart, table
from attack.tally import FAILED, REFUSED, RIGHT, Tally, Wrong

import loadstore as ls
from loadstore.errors import BadRequest

ROOT = Path(__file__).parents[1]


def test_a_few_tries_of_every_part_find_nothing() -> None:
    command = [sys.executable, str(ROOT / "scripts" / "attack.py"), "--few", "--seed", "3"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert {line.split()[0] for line in done.stdout.splitlines() if line.startswith(PARTS)} == set(PARTS)


def test_a_part_apart_comes_back_with_its_counts_or_says_what_it_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    def child(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        counted = Path(command[-1])
        counted.with_suffix(".last").write_text("a file: of zeros")
        if code == 0:
            Tally("files", counts=Counter({("a file", RIGHT): 3})).save(counted)
        return subprocess.CompletedProcess(command, code)

    monkeypatch.setattr(subprocess, "run", child)
    code = 0
    assert apart("files", 1, 0.1).counts == {("a file", RIGHT): 3}
    code = -11
    assert apart("files", 1, 0.1).failures == ["files: the whole part: a file: of zeros: the process ended with -11"]


def raises(error: BaseException) -> None:
    raise error


def test_only_documented_errors_of_one_line_in_time_are_none() -> None:
    tally = Tally("x")
    tally.attempt("a", "right", lambda: 1)
    tally.attempt("a", "refused", lambda: raises(BadRequest("expected a number")))
    assert tally.counts == {("a", RIGHT): 1, ("a", REFUSED): 1}
    for error in (TypeError("bare"), AssertionError(), SystemExit(1), BadRequest(""), BadRequest("x" * 1501)):
        tally.attempt("a", "wrong", lambda error=error: raises(error))
    tally.attempt("a", "hangs", lambda: time.sleep(9), seconds=0.05)
    assert tally.counts["a", FAILED] == len(tally.failures) == 6
    assert "a: wrong: TypeError: bare" in tally.failures[0]
    assert "a: hangs: Hangs: more than 0.05 s" in tally.failures[-1]
    assert table([tally], 7).splitlines()[-1].split() == ["all", "8", "1", "1", "6"]


@pytest.mark.parametrize(("factor", "noticed"), [(1 + 1e-6, True), (1 + 1e-12, False)])
def test_a_score_that_is_a_millionth_off_is_noticed(
    monkeypatch: pytest.MonkeyPatch, factor: float, noticed: bool
) -> None:
    right = ls.subspace_scores
    monkeypatch.setattr(ls, "subspace_scores", lambda model: right(model) * factor)
    tally = Tally("models")
    weights_alone(tally, made(Plan(mlp=3), 1, "a"), "a", random.Random(0), sound=True)
    assert bool(tally.failures) == noticed
    assert tally.counts["a score against dense float64", RIGHT] + len(tally.failures) > 20


@pytest.mark.parametrize(
    "said", [(1, "", "x"), (0, "a\x1bb", ""), (2, "", "one\ntwo"), (2, "", ""), (0, "", "Traceback"), (0, "\u202e", "")]
)
def test_what_a_command_must_not_do_is_noticed(said: tuple[int, str, str]) -> None:
    check(0, "a table\nof two lines", "progress")
    with pytest.raises(BadRequest, match="one line"):
        check(2, "", "loadstore: one line")
    with pytest.raises(Wrong):
        check(*said)


@pytest.mark.parametrize("said", [(500, b""), (200, b'{"error": {"kind": "fault"}}'), (200, b'{"a": NaN}')])
def test_what_the_explorer_must_not_answer_is_noticed(said: tuple[int, bytes]) -> None:
    answered(200, b'{"a": 1}')
    with pytest.raises(BadRequest, match="422"):
        answered(422, b'{"error": {"kind": "bad"}}')
    with pytest.raises(Wrong):
        answered(*said)
