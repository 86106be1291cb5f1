"""Batches: repeated blocks of random tokens and windows of text, in their share of a batch."""

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import torch
from hostile import unchecked

from loadstore.training.batches import Batch, next_batch, packed_windows, repeated_blocks, text_windows
from loadstore.training.recipe import Phase

BOS = 2


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_a_block_repeats_and_is_certain_from_its_second_token_on() -> None:
    tokens, certain = repeated_blocks(5, BOS, 200, 9, (2, 4), generator())
    assert tokens.shape == (200, 10)
    assert bool((tokens[:, 0] == BOS).all())
    assert set(tokens[:, 1:].flatten().tolist()) == {0, 1, 3, 4}  # all words of the vocabulary, and never BOS
    sizes = [int((~row).sum()) - 1 for row in certain]
    assert set(sizes) == {2, 3, 4}
    for row, size, known in zip(tokens.tolist(), sizes, certain.tolist(), strict=True):
        assert known == [target > size for target in range(9)]  # target t is token t + 1
        assert row[1 + size :] == row[1 : 10 - size]


def test_windows_are_of_the_text_and_reach_its_end() -> None:
    ids = np.array([7, 8, 9, 10, 11], dtype=np.int32)
    found = {tuple(row) for row in text_windows(ids, BOS, 100, 3, generator()).tolist()}
    assert found == {(BOS, 7, 8, 9), (BOS, 8, 9, 10)}


def batch(repeats: float, size: int = 8, weight: float = 1.0) -> Batch:
    text = SimpleNamespace(train=np.arange(3, 40, dtype=np.int32), bos=BOS)
    plan = Phase("a", 1, batch=size, length=6, repeats=repeats, block=(2, 2), repeat_weight=weight)
    with unchecked():
        return next_batch(cast("Any", text), 40, plan, generator())


@pytest.mark.parametrize(("repeats", "rows"), [(0.0, 0), (0.25, 2), (0.3, 2), (1.0, 8)])
def test_its_share_of_a_batch_is_repeats_and_the_rest_text(repeats: float, rows: int) -> None:
    found = batch(repeats)
    assert found.tokens.shape == (8, 6)
    assert int(found.second_copy.any(1).sum()) == rows
    assert torch.equal(found.tokens[:, 1:], found.targets[:, :-1])


def test_text_and_repeats_weigh_one_each_times_the_weight_of_repeats() -> None:
    found = batch(0.5, weight=3.0)
    is_repeat = found.second_copy.any(1)
    assert float(found.weight[~is_repeat].sum()) == pytest.approx(1.0)
    assert float(found.weight[is_repeat].sum()) == pytest.approx(3.0)
    assert bool((found.weight[is_repeat] > 0).eq(found.second_copy[is_repeat]).all())


def starts(step: int, count: int = 3, seed: str = "1 0") -> list[int]:
    """The first tokens of the windows of a batch from the text 0, 1, 2, …: where each window begins."""
    return packed_windows(np.arange(43), BOS, count, 4, step, seed)[:, 1].tolist()


def test_an_epoch_has_each_packed_window_once_and_the_next_another_order() -> None:
    each = [start for step in range(20) for start in starts(step, count=1)]  # 10 windows an epoch
    for epoch in (each[:10], each[10:]):
        first = min(epoch)
        assert first < 4
        assert sorted(epoch) == [first + 4 * k for k in range(10)]
    assert [start - min(each[:10]) for start in each[:10]] != [start - min(each[10:]) for start in each[10:]]


def test_a_packed_batch_follows_from_its_number_and_the_seed_alone() -> None:
    whole = [starts(step) for step in range(7)]
    assert [starts(step) for step in reversed(range(7))] == whole[::-1]
    assert [start for batch in whole for start in batch] == [
        start for step in range(21) for start in starts(step, count=1)
    ]
    assert starts(0, count=10) != starts(0, count=10, seed="2 0")
    assert {min(starts(0, count=10, seed=str(seed))) for seed in range(20)} == {0, 1, 2, 3}  # where epochs begin
