"""A task is pairs of equal length with targets of their own, in three splits that share no prompt and no filler."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from each import each
from hostile import refusal, small, unchecked
from tiny import Kind, tiny

import loadstore as ls
from loadstore.circuits.example import Example
from loadstore.circuits.splits import divided, drawn, shares
from loadstore.errors import BadPrompt, BadRequest, LoadstoreError, Undefined

MODEL = tiny(Kind("learned", "layer", True, "gelu"))
CLEAN = [[i, 1, 2] for i in range(8)]
OTHER = [[i, 3, 2] for i in range(8)]


def own(**changed: Any) -> ls.Task:
    given = {"clean": CLEAN, "counterfactual": OTHER, "metric": ls.logit_difference(5, 6)}
    return ls.Task(**{"model": MODEL, **given, **changed})


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        (3, (1, 1, 1)),
        (4, (1, 1, 2)),
        (8, (3, 1, 4)),
        (9, (3, 1, 5)),
        (15, (5, 1, 9)),
        (16, (6, 2, 8)),
        (64, (24, 8, 32)),
    ],
)
def test_three_eighths_find_one_eighth_chooses_and_the_rest_judges(pairs: int, expected: tuple[int, int, int]) -> None:
    assert shares(pairs) == expected
    task = own(
        clean=[[i % 16, i // 16, 2] for i in range(pairs)],
        counterfactual=[[i % 16, i // 16, 3] for i in range(pairs)],
    )
    assert (len(task.find), len(task.choose), len(task.judge)) == expected


def test_pairs_say_how_many_they_are_and_none_is_refused() -> None:
    pairs = own().find
    assert repr(pairs).startswith(f"{len(pairs)} pairs of prompts of {pairs.clean.shape[1]} tokens for ")
    refusal(lambda: pairs.rows([]), BadRequest, "no pair is left")
    refusal(lambda: replace(pairs, ends=pairs.ends[1:]), BadPrompt, "give as many of each")


def test_two_pairs_are_too_few() -> None:
    refusal(lambda: shares(2), BadRequest, "at least one pair to find, to choose and to judge; got 2")


def test_splits_follow_the_seed_and_every_pair_keeps_its_own_targets() -> None:
    goods = [[i] for i in range(8)]
    metric = ls.logit_difference(goods, [[i + 8] for i in range(8)])
    one, again, other = own(metric=metric), own(metric=metric), own(metric=metric, seed=1)
    assert one.splits == again.splits
    assert one.splits != other.splits
    for pairs in (one.find, one.choose, one.judge):
        logits = torch.randn(len(pairs), 17, dtype=torch.float64)
        first = pairs.clean[:, 0]  # the pair's number, as the prompts are made
        rows = torch.arange(len(pairs))
        assert pairs.measure(logits, logits).equal(logits[rows, first] - logits[rows, first + 8])


def test_prompts_may_differ_in_length_between_pairs_and_text_begins_with_bos() -> None:
    texts = ["the cat", "the dog", "cat sat on the mat", "dog on", "log on the mat"]
    others = ["the mat", "the log", "cat sat on the log", "mat on", "log on the dog"]
    task = ls.Task(small(), texts, others, ls.logit_difference("cat", "dog"))
    lengths = {len(example.clean.split()) for example in task.examples if isinstance(example.clean, str)}
    assert lengths == {2, 4, 5}
    for pairs in (task.find, task.choose, task.judge):
        assert not pairs.clean[:, 0].any()  # the id of BOS
        assert all(end + 1 in (3, 5, 6) for end in pairs.ends)


def test_pairs_that_share_a_word_or_a_prompt_stay_together() -> None:
    words = [["a"], ["a", "b"], ["b"], ["c"], ["c"], ["d"], ["e"], ["f"]]
    for seed in range(20):
        task = own(fillers=words, seed=seed)
        assert task.splits[0] == task.splits[1] == task.splits[2]
        assert task.splits[3] == task.splits[4]
    swapped = [Example(c, o, (5,), (6,)) for c, o in zip([*CLEAN, *OTHER], [*OTHER, *CLEAN], strict=True)]
    assert all(one == other for one, other in zip(drawn(swapped, 0)[:8], drawn(swapped, 0)[8:], strict=True))


def test_fillers_are_divided_by_the_shares_and_each_split_has_the_least() -> None:
    from random import Random

    assert [len(part) for part in divided(range(64), 1, Random(0)).values()] == [24, 8, 32]
    assert [len(part) for part in divided(range(9), 3, Random(0)).values()] == [3, 3, 3]
    assert sorted(value for part in divided(range(64), 1, Random(0)).values() for value in part) == [*range(64)]


GIVEN = ["find"] * 3 + ["choose"] + ["judge"] * 4


@each(
    ("changed", "kind", "words"),
    [
        ({"counterfactual": [*OTHER[:3], [3, 3], *OTHER[4:]]}, BadPrompt, ["pair 3 has 3 and 2 tokens"]),
        ({"counterfactual": OTHER[:7]}, BadPrompt, ["8 clean and 7 counterfactual"]),
        ({"clean": [], "counterfactual": []}, BadPrompt, ["0 clean"]),
        ({"clean": [*CLEAN[:7], []]}, BadPrompt, ["empty"]),
        ({"clean": [*CLEAN[:7], [99, 1, 2]]}, BadPrompt, ["from 0 to 16"]),
        ({"clean": [*CLEAN[:7], [[1, 2, 3]]]}, BadPrompt, ["one text or one list of token ids"]),
        ({"clean": [*CLEAN[:7], "the cat"]}, Undefined, ["no tokenizer"]),
        ({"counterfactual": [*OTHER[:5], CLEAN[5], *OTHER[6:]]}, BadRequest, ["pair 5", "are the same"]),
        ({"metric": ls.logit_difference(5, 5)}, BadRequest, ["pair 0: token 5", "constant"]),
        ({"metric": ls.logit_difference([5] * 8, [6] * 7 + [5])}, BadRequest, ["pair 7: token 5"]),
        ({"metric": ls.logit_difference([5] * 4, 6)}, BadRequest, ["targets for 4 pairs, and there are 8"]),
        ({"metric": ls.metrics.log_probability(17)}, BadRequest, ["token id from 0 to 16"]),
        ({"metric": ls.logit_difference(5, 6, at=1)}, BadRequest, ["at=-1"]),
        ({"metric": ls.metrics.kl(at=-1)}, BadRequest, ["logit_difference, probability_difference, log_probability"]),
        ({"metric": ls.metrics.loss()}, BadRequest, ["ls.logit_difference(goods, bads)"]),
        ({"splits": [*GIVEN[:7], "test"]}, BadRequest, ["pair 7 has the split 'test'"]),
        ({"splits": ["find"] * 4 + ["judge"] * 4}, BadRequest, ["no pair is in the split choose"]),
        (
            {"splits": GIVEN, "fillers": [["Mary"], *[[]] * 6, ["Mary"]]},
            BadRequest,
            ["fillers shared between splits: the filler 'Mary' of pair 7 is in find and in judge"],
        ),
        (
            {"splits": GIVEN, "clean": [*CLEAN[:7], CLEAN[0]]},
            BadRequest,
            ["fillers shared between splits: the prompt (0, 1, 2) of pair 7"],
        ),
        ({"fillers": [["Mary"]] * 8}, BadRequest, ["into 1 group and not into three splits"]),
        ({"fillers": [["Mary"]] * 4 + [["John"]] * 4}, BadRequest, ["into 2 groups"]),
        ({"places": [["a", "b"]] * 8}, BadRequest, ["pair 0 has 3 tokens and names for 2 places"]),
        ({"templates": ["a"]}, BadRequest, ["Task(templates=…): expected 8 entries"]),
        ({"model": None}, BadRequest, ["expected a model"]),
    ],
)
def test_what_is_not_a_task_is_refused(changed: dict[str, Any], kind: type[LoadstoreError], words: list[str]) -> None:
    with unchecked():
        refusal(lambda: own(**changed), kind, *words)
