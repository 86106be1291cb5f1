"""Listings of a real model: soon there, exact, and under six tests."""

import time

import pytest
from pace import slowness

import loadstore as ls
from loadstore.heads.roles import random_repeats
from loadstore.model.weights import Weights

PROMPTS = (
    "When Mary and John went to the store, John gave a drink to",
    "The Eiffel Tower is in the city of",
    "The capital of France is Paris. The capital of Italy is",
)


@pytest.fixture(scope="module")
def model() -> Weights:
    return ls.load("smollm2")


@pytest.mark.parametrize("prompt", PROMPTS)
def test_a_natural_prompt_is_listed_within_twenty_seconds(model: Weights, prompt: str) -> None:
    began = time.perf_counter()
    found = ls.listing(ls.run(model, prompt, record=True))
    took = time.perf_counter() - began
    print(f"{prompt!r}: {len(found.steps)} steps in {took:.1f} s")
    assert took < 20 * slowness()
    assert len(found.steps) == 24
    assert found.explained == pytest.approx(1, abs=0.1)


@pytest.mark.nightly
def test_a_repeated_random_sequence_is_listed_and_each_cut_has_its_error(model: Weights) -> None:
    tokens = random_repeats(model, 1, period=20, seed=1)[0]
    trace = ls.run(model, tokens, record=True)
    right = trace.logits[20:-1].softmax(-1).gather(1, tokens[21:, None])[:, 0]
    at = 20 + int(right.argmax())  # in the second copy, where the model is surest of what really follows
    began = time.perf_counter()
    found = ls.listing(trace, at, predict=int(tokens[at + 1]), top=8)
    took = time.perf_counter() - began
    assert took < 20 * slowness()
    assert found.probability > 0.5
    proof = ls.verify(found, controls=20, replicates=4)
    print(f"listed in {took:.1f} s; {str(proof).splitlines()[-1]}")
    assert len(proof.checks) >= 8
    for check in proof.checks:
        assert len(check.controls) == 20
        assert check.standard_error > 0
