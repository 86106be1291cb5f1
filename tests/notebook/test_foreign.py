"""Patterns of any other tool: taken as they are, or refused with what was expected."""

import base64
from typing import Any

import numpy as np
import pytest
import torch
from each import each

import loadstore as ls
from loadstore.errors import BadRequest

TOKENS = ["the", " cat", " sat"]
CAUSAL = [[1.0, 0.0, 0.0], [0.25, 0.75, 0.0], [0.2, 0.3, 0.5]]


def view(*given: Any, **named: Any) -> dict[str, Any]:
    return ls.show(*given, **named).document["sections"][0]["figures"][0]["views"][0]


def weights(drawn: dict[str, Any]) -> np.ndarray:
    return np.frombuffer(base64.b64decode(drawn["packed"]), dtype=np.uint8) / 255


@each(
    "given",
    [
        CAUSAL,
        np.array(CAUSAL),
        torch.tensor(CAUSAL),
        torch.tensor(CAUSAL).bfloat16(),
        torch.tensor(CAUSAL).requires_grad_(),
    ],
)
def test_lists_arrays_and_tensors_are_the_same(given: Any) -> None:
    drawn = view(TOKENS, given)
    assert drawn["causal"]
    np.testing.assert_allclose(weights(drawn), [1, 0.25, 0.75, 0.2, 0.3, 0.5], atol=3e-3)
    assert drawn["tokens"] == ["the·0", "␣cat·1", "␣sat·2"]
    assert [head["name"] for head in drawn["heads"]] == ["pattern"]


def test_shapes_name_heads_and_layers() -> None:
    one = np.array(CAUSAL)
    assert [h["name"] for h in view(TOKENS, np.stack([one] * 2))["heads"]] == ["H0", "H1"]
    drawn = view(TOKENS, np.stack([np.stack([one] * 3)] * 2))
    assert [h["name"] for h in drawn["heads"]] == ["L0.H0", "L0.H1", "L0.H2", "L1.H0", "L1.H1", "L1.H2"]
    assert drawn["across"] == 3
    assert [h["name"] for h in view(TOKENS, np.stack([one] * 2), names=["5.1", "9.6"])["heads"]] == ["5.1", "9.6"]


def test_nothing_is_rescaled_and_what_is_unusual_is_said() -> None:
    shown = ls.show(TOKENS, 0.5 * np.array(CAUSAL))
    drawn = shown.document["sections"][0]["figures"][0]["views"][0]
    np.testing.assert_allclose(weights(drawn), np.array([1, 0.25, 0.75, 0.2, 0.3, 0.5]) / 2, atol=2e-3)
    assert "not softmax rows" in repr(shown)
    both = view(TOKENS, np.full((3, 3), 1 / 3))
    assert not both["causal"]
    assert len(weights(both)) == 9


def test_labels_that_have_their_index_are_kept() -> None:
    assert view(["⊢·0", "␣a·1", "b·2"], CAUSAL)["tokens"] == ["⊢·0", "␣a·1", "b·2"]


@each(
    ("tokens", "patterns", "names", "message"),
    [
        (TOKENS, np.ones((3, 2)), None, "as many queries as keys"),
        (TOKENS, np.ones(3), None, r"shape \[3\]"),
        (TOKENS, np.zeros((1, 2, 2, 3, 3)), None, "batch axis"),
        (TOKENS, np.zeros((0, 3, 3)), None, r"shape \[0, 3, 3\]"),
        (TOKENS[:2], CAUSAL, None, "2 tokens, patterns are 3 × 3"),
        ("the cat sat", CAUSAL, None, "a text is not split here"),
        ([1, 2, 3], CAUSAL, None, "decode ids first"),
        (TOKENS, 5 * np.array(CAUSAL), None, "after the softmax"),
        (TOKENS, np.array(CAUSAL) - 0.5, None, "from -0.5 to 0.5"),
        (TOKENS, np.where(np.tri(3, dtype=bool), CAUSAL, -np.inf), None, "NaN or infinity"),
        (TOKENS, [["a"]], None, "not an array of numbers"),
        (TOKENS, CAUSAL, ["a", "b"], "2 entries for 1 heads"),
        (TOKENS, CAUSAL, "a", "expected a list of"),
    ],
)
def test_what_does_not_fit_is_explained(tokens: Any, patterns: Any, names: Any, message: str) -> None:
    with pytest.raises(BadRequest, match=message):
        ls.show(tokens, patterns, names=names)
