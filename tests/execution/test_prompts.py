"""Prompts that a model cannot take, and odd ones that it must."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from close import assert_close
from each import each
from hostile import refusal, small, unchecked

from loadstore.checkpoints.library import load
from loadstore.errors import BadPrompt
from loadstore.execution.run import run
from loadstore.model.weights import Weights


@pytest.fixture(scope="module")
def builtin() -> Weights:
    return load("builtin")


def test_an_empty_prompt(builtin: Weights) -> None:
    refusal(lambda: run(builtin, ""), BadPrompt, "prompt is empty", "at least one character")
    for nothing in ([], [[]], torch.zeros(0, dtype=torch.long), torch.zeros(3, 0, dtype=torch.long)):
        with unchecked():
            refusal(lambda nothing=nothing: run(builtin, nothing), BadPrompt, "prompt is empty", "at least one token")  # pyright: ignore[reportArgumentType]


def test_a_prompt_without_a_word_that_the_tokenizer_sees() -> None:
    refusal(lambda: run(small(), " \n\t "), BadPrompt, "has no tokens", "use text")


@each("text", [" ", "\n\n", "\t", "</script><script>alert(1)</script>", "\0", "é漢🙂", "\x1b[2J", "‮"])
def test_any_text_is_taken_whole_by_a_byte_level_tokenizer(builtin: Weights, text: str) -> None:
    trace = run(builtin, text)
    assert builtin.tokens is not None
    assert builtin.tokens.tokenizer.decode(trace.tokens[0, 1:].tolist()) == text
    assert trace.logits.isfinite().all()
    assert len(trace.labels) == trace.tokens.shape[1]


@pytest.mark.parametrize("text", ["\ud800", "the cat \udfff sat"])
def test_lone_surrogates(builtin: Weights, text: str) -> None:
    refusal(lambda: run(builtin, text), BadPrompt, "cannot be tokenised", "use characters")


def test_one_token_more_than_fits(builtin: Weights) -> None:
    assert run(builtin, [1] * 256).logits.shape == (256, 4096)
    refusal(lambda: run(builtin, [1] * 257), BadPrompt, "257 tokens", "at most 256", "Shorten")
    refusal(lambda: run(builtin, torch.ones(2, 257, dtype=torch.long)), BadPrompt, "257 tokens", "at most 256")
    refusal(lambda: run(builtin, " the" * 256), BadPrompt, "257 tokens", "builtin takes at most 256")  # and the BOS


def test_a_prompt_may_be_as_long_as_the_context_and_no_longer() -> None:
    assert run(small(), [1] * 10).logits.shape == (10, 17)
    refusal(lambda: run(small(), [1] * 11), BadPrompt, "11 tokens", "small takes at most 10", "Shorten")


@pytest.mark.parametrize("ids", [[17], [-1], [0, 1, 10**6], torch.tensor([[3, 17]]), torch.tensor([2, -(2**60)])])
def test_ids_that_no_token_has(ids: Any) -> None:
    refusal(lambda: run(small(), ids), BadPrompt, "token ids must be from 0 to 16; got")


@each(
    "prompt",
    [
        *([1.0, 2.0], [1, 2.5], [True, False], [[[1]]], [[1, 2], [[3]]], ["the", 5], 5, 2.0, None, [None], [10**30]),
        *({"a": 1}, object, [1j], torch.tensor(3), torch.ones(1, 1, 1, dtype=torch.long), torch.ones(2)),
        *(torch.ones(2, dtype=torch.complex64), torch.ones(2, dtype=torch.bool), np.array(["a"]), np.ones((2, 2))),
    ],
)
def test_what_is_no_list_of_whole_numbers(prompt: Any) -> None:
    with unchecked():
        refusal(lambda: run(small(), prompt), BadPrompt, "whole token ids, [token] or [batch, token]")


def test_texts_are_a_batch() -> None:
    found = run(small(), ["the cat", "sat on"])
    assert_close(found.logits[1], run(small(), "sat on").logits)
    assert run(small(), ["the cat"]).batched
    assert run(small(), ["the cat", "sat"]).lengths == (3, 2)
    refusal(lambda: run(small(), ["the cat", ""]), BadPrompt, "empty")
    refusal(lambda: run(small(), [[1, 2], []]), BadPrompt, "whole token ids")


@each("make", [np.array, torch.tensor, tuple, list, lambda ids: range(1, 4)])
def test_whole_numbers_of_any_make_are_one_prompt(make: Callable[[list[int]], Any]) -> None:
    expected = run(small(), torch.tensor([1, 2, 3]))
    with unchecked():
        assert torch.equal(run(small(), make([1, 2, 3])).logits, expected.logits)


@each("dtype", [torch.uint8, torch.int8, torch.int32, torch.uint16, torch.uint64])
def test_whole_numbers_of_any_width_are_the_same_prompt(dtype: torch.dtype) -> None:
    expected = run(small(), torch.tensor([1, 2, 3]))
    with unchecked():
        assert torch.equal(run(small(), torch.tensor([1, 2, 3]).to(dtype)).logits, expected.logits)


def test_a_target_is_one_token(builtin: Weights) -> None:
    assert builtin.tokens is not None
    tokens = builtin.tokens
    assert tokens.text(tokens.one(" on")) == " on"
    refusal(lambda: tokens.one(" on the"), BadPrompt, "' on the' is 2 tokens (␣on ␣the)", "must be one")
    refusal(lambda: tokens.one(" on" * 5000), BadPrompt, "is 5000 tokens", "must be one")


def test_a_batch_has_no_single_list_of_labels() -> None:
    refusal(lambda: run(small(), torch.ones(2, 3, dtype=torch.long)).labels, BadPrompt, "a batch", "one prompt")
