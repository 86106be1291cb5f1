"""When a run measures, saves, ends a phase and stops, with a step that does nothing but count."""

import math
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import torch
from hostile import unchecked

from loadstore.errors import BadRequest
from loadstore.training import conditions, loop
from loadstore.training.group import ALONE
from loadstore.training.history import log_spaced
from loadstore.training.recipe import Phase, Recipe, Start


class Counted:
    """A run that keeps the steps of its states."""

    def __init__(self, *phases: Phase) -> None:
        self.recipe = recipe(*phases)
        self.phase = self.at = self.step = 0
        self.second_copy = math.inf
        self.saved: list[int] = []
        self.group = ALONE

    @property
    def finished(self) -> bool:
        return self.phase == len(self.recipe.phases)

    def save(self, folder: Path) -> None:
        self.saved.append(self.step)


def phase(steps: int, until: float = 0.0, length: int = 4) -> Phase:
    return Phase("a", steps, batch=1, length=length, repeats=1.0, block=(1, 2), until=until)


def recipe(*phases: Phase, context: int = 8) -> Recipe:
    sizes = {"n_layers": 1, "n_heads": 1, "d_model": 12, "d_head": 4, "vocab": 257, "context": context}
    return Recipe("r", 0, **sizes, start=Start(), phases=phases)


def done(
    monkeypatch: pytest.MonkeyPatch,
    run: Counted,
    *,
    losses: Callable[[int], float] = lambda _: 9.0,
    save_every: int = 50,
    stop_at: int = 10**9,
) -> list[int]:
    """Go through the phases; the loss of second copies is ``losses(step)``. Returns the steps that were measured."""
    measured: list[int] = []
    moments = set(log_spaced(1 << 10)) - {1, 2, 3}
    notes = SimpleNamespace(line={}, take=lambda run: measured.append(run.step) if run.step in moments else None)

    def step(run: Any, *_: object) -> tuple[float, float]:
        run.at, run.step = run.at + 1, run.step + 1
        run.second_copy = losses(run.step)
        return 1.0, 1.0

    monkeypatch.setattr(loop, "take_step", step)
    with unchecked():
        fake, stop = cast("Any", run), lambda: run.step >= stop_at
        loop._phases(fake, cast("Any", None), Path("x"), cast("Any", notes), lambda _: None, save_every, stop)
    return measured


def test_it_measures_at_its_moments_and_saves_so_often_and_after_each_phase(monkeypatch: pytest.MonkeyPatch) -> None:
    run = Counted(phase(6), phase(7))
    assert done(monkeypatch, run, save_every=4) == [0, 4, 5, 6, 8, 10]
    assert run.saved == [4, 6, 8, 12, 13]
    assert run.finished


@pytest.mark.parametrize(("until", "steps"), [(0.5, 5), (0.4, 6), (0.39, 10), (0.0, 10)])
def test_a_phase_ends_early_once_second_copies_cost_less_than_its_bound(
    monkeypatch: pytest.MonkeyPatch, until: float, steps: int
) -> None:
    run = Counted(phase(10, until=until))
    costs = {4: 0.5, 5: 0.4}
    done(monkeypatch, run, losses=lambda step: costs.get(step, 9.0 if step < 4 else 0.39))
    assert run.step == steps
    assert run.second_copy == math.inf  # another phase begins without it


def test_a_stop_saves_after_its_step_and_leaves_the_run_unfinished(monkeypatch: pytest.MonkeyPatch) -> None:
    run = Counted(phase(6), phase(7))
    done(monkeypatch, run, stop_at=3)
    assert (run.step, run.saved, run.finished) == (3, [3], False)


@pytest.mark.parametrize(("context", "length", "needed"), [(8, 4, 9), (8, 8, 9), (4, 8, 9)])
def test_a_text_needs_one_token_more_than_the_longest_window(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, context: int, length: int, needed: int
) -> None:
    def begun(*_: object) -> None:
        raise InterruptedError

    monkeypatch.setattr(loop, "begin", begun)
    plan = recipe(phase(3, length=length), context=context)

    def begin(train: int, held_out: int) -> None:
        corpus = SimpleNamespace(train=range(train), held_out=range(held_out))
        with unchecked():
            loop.train(plan, cast("Any", corpus), tmp_path)

    with pytest.raises(InterruptedError):
        begin(needed, needed)
    with pytest.raises(BadRequest, match=f"there are {needed - 1} tokens to train on; at least {needed} are needed"):
        begin(needed - 1, needed)
    with pytest.raises(BadRequest, match=f"there are {needed - 1} tokens held out"):
        begin(needed, needed - 1)


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The numbers of threads that were set; torch has two to begin with."""
    given = [2]
    monkeypatch.setattr(torch, "set_num_threads", given.append)
    monkeypatch.setattr(torch, "get_num_threads", lambda: given[-1])
    return given


@pytest.mark.parametrize(("wanted", "taken"), [(0, 2), (1, 1), (3, 3)])
def test_a_new_run_takes_the_threads_that_it_is_given(threads: list[int], wanted: int, taken: int) -> None:
    conditions.set_threads(wanted, None, lambda _: None)
    assert threads[-1] == taken


@pytest.mark.parametrize(("wanted", "told"), [(0, 1), (3, 0)])
def test_a_resumed_run_keeps_its_threads(threads: list[int], wanted: int, told: int) -> None:
    said: list[str] = []
    conditions.set_threads(wanted, conditions.conditions() | {"threads": 3}, said.append)
    assert (threads[-1], len(said)) == (3, told)


@pytest.mark.parametrize("wanted", [1, 2, 4])
def test_and_refuses_others(threads: list[int], wanted: int) -> None:
    with pytest.raises(BadRequest, match=f"was started with 3 threads, and {wanted} would change its last bits"):
        conditions.set_threads(wanted, conditions.conditions() | {"threads": 3}, lambda _: None)
    assert threads == [2]
