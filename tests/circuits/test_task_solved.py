"""A task is solved from three quarters of the pairs on, and the metric is that of whole runs."""

from dataclasses import replace

import pytest
import torch
from each import each
from hostile import refusal
from speaking import speaking
from tiny import FEW, Kind, tiny

import loadstore as ls
from loadstore.circuits import solved as module
from loadstore.circuits.solved import Solved, end_logits, require_solved, solved
from loadstore.errors import Undefined


def found(right: int, pairs: int = 32) -> Solved:
    sign = torch.tensor([1.0] * right + [-1.0] * (pairs - right))
    return Solved("ioi", "small", sign, -torch.ones(pairs))


def test_three_quarters_are_enough_and_one_pair_less_is_not() -> None:
    assert [found(right).solved for right in (23, 24, 25)] == [False, True, True]
    assert found(24).share == 0.75
    assert not found(2, 3).solved
    assert found(3, 4).solved


def test_both_signs_are_needed_and_nothing_counts_as_neither() -> None:
    ones, none = torch.ones(4), torch.zeros(4)
    assert Solved("t", "m", ones, -ones).share == 1
    for clean, other in ((ones, none), (none, -ones), (ones, ones), (-ones, -ones), (-ones, ones)):
        assert Solved("t", "m", clean, other).share == 0


def test_an_unsolved_task_is_refused_with_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "solved", lambda task: found(23))
    task = ls.task(speaking(), "ioi", pairs=8)
    refusal(lambda: require_solved(task), Undefined, "small does not solve ioi", "on 72% of 32 pairs", "at least 75%")
    monkeypatch.setattr(module, "solved", lambda task: found(24))
    assert require_solved(task).solved


@each("kind", FEW, ids=str)
def test_logits_at_the_ends_are_those_of_each_prompt_alone(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TOKENS", 12)  # a pair at a time
    model = tiny(kind)
    prompts = [[1, 2, 3], [4, 5, 6, 7, 8, 9], [3, 1], [2, 7, 1, 8]]
    task = ls.Task(
        model,
        prompts,
        [[0, *ids[1:]] for ids in prompts],
        ls.logit_difference(1, 2),
        splits=("find", "choose", "judge", "judge"),
    )
    pairs = task._pairs
    logits = end_logits(model, pairs.clean, pairs.ends)
    for row, ids in zip(logits, prompts, strict=True):
        assert (row - ls.run(model, ids).logits[-1]).abs().max() < 1e-9
    each = solved(task)
    expected = ls.run(model, [3, 1]).logits[-1]
    assert float(each.each_clean[0]) == pytest.approx(float(expected[1] - expected[2]))
    assert each.clean == pytest.approx(float(each.each_clean.mean()))


def test_the_built_in_model_solves_induction_and_it_says_so() -> None:
    each = solved(ls.task(ls.load("builtin"), "induction", pairs=16))
    assert each.share == 1
    assert each.clean > 5
    assert each.counterfactual < -5
    assert str(each).startswith("builtin solves induction: m(clean) > 0 > m(counterfactual) on 100% of 8 pairs")


def test_logits_that_overflow_are_an_error() -> None:
    model = speaking()
    broken = replace(model, W_U=model.W_U * 1e308)
    refusal(lambda: solved(ls.task(broken, "ioi", pairs=8)), Undefined, "in the unembedding")


def test_smollm2_finds_the_indirect_object() -> None:
    each = solved(ls.task(ls.load("smollm2"), "ioi", pairs=3, seed=7))
    assert each.solved
