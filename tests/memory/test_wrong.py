"""Wrong calls of the map, lifetimes and reach are one sentence each."""

from typing import Any

import pytest
from each import each
from tiny import Kind, some_tokens, tiny

import loadstore as ls
from loadstore.errors import BadRequest, NoSuchSite, Undefined

SHORT = {"corpus": [[3], [4]]}


@each(
    "call, wrong, kind, words",
    [
        ("memory_map", {"share": 0.0}, BadRequest, "share=0.0: expected a part of the variance above 0 and below 1"),
        ("memory_map", {"share": 1.0}, BadRequest, "share=1.0: expected"),
        ("memory_map", {"writers": "L7.H0"}, NoSuchSite, "Nearest: L2.H0"),
        ("memory_map", {"writers": "L0.bias"}, BadRequest, "a constant does not vary"),
        ("memory_map", {"corpus": []}, BadRequest, "has no documents"),
        ("memory_map", SHORT, BadRequest, "only empty or one-token documents"),
        ("lifetimes", {"writers": "pos"}, Undefined, "pos has no lifetime"),
        ("lifetimes", {"writers": "L0.bias"}, Undefined, "L0.bias has no lifetime"),
        ("lifetimes", {"writers": "L9.mlp"}, NoSuchSite, "no writer L9.mlp"),
        ("lifetimes", SHORT, BadRequest, "only empty or one-token documents"),
        ("reach", SHORT, BadRequest, "only empty or one-token documents"),
        ("reach", {"effect": -1}, BadRequest, "effect"),
    ],
)
def test_a_wrong_call_is_one_sentence(call: str, wrong: dict[str, Any], kind: type[Exception], words: str) -> None:
    model = tiny(Kind("shortformer", "layer", True))
    with pytest.raises(kind, match=words):
        getattr(ls, call)(model, **{"corpus": some_tokens(model).tolist(), **wrong})
