"""Wrong calls of the map, lifetimes and reach are one sentence each."""

from dataclasses import replace
from typing import Any

import pytest
import xarray as xr
from each import each
from tiny import Kind, some_tokens, tiny

import loadstore as ls
from loadstore.errors import BadRequest, NoSuchSite, Undefined
from loadstore.policies import Policy, subspace

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


@pytest.mark.parametrize("name", ["traffic", "wires", "audit", "memory_map", "lifetimes", "reach", "stream_moments"])
def test_moments_of_other_weights_are_refused(name: str) -> None:
    model, other = (tiny(Kind("shortformer", "layer", True), seed) for seed in (0, 1))
    moments = ls.statistics.moments(other, some_tokens(model).tolist())
    policy = {"policy": Policy({"x": subspace(model, [1, 2])}, load={"x": "*"})} if name == "audit" else {}
    function = getattr(ls, name, None) or ls.statistics.stream_moments
    with pytest.raises(BadRequest, match=r"the moments are those of other weights .*measure them on this model"):
        function(model, corpus=moments, **policy)
    if name == "traffic":
        same = replace(other, name="a copy")
        xr.testing.assert_identical(ls.traffic(same, moments).drop_attrs(), ls.traffic(other, moments).drop_attrs())


def test_a_region_that_a_map_does_not_have_is_refused_with_the_nearest() -> None:
    model = tiny(Kind("shortformer", "layer", True))
    memory = ls.memory_map(model, corpus=some_tokens(model).tolist(), writers=["L0.H0", "embed"])
    for asked in (memory.region, memory.overwriters):
        with pytest.raises(NoSuchSite, match=r"the map has no region of L0\.H1\. Nearest: L0\.H0\."):
            asked("L0.H1")
    assert memory.region("L0.H0").writer == "L0.H0"
    assert repr(memory).startswith(f"Memory map of {model.name}: 2 regions on ")
