"""Sizes and schemes that no machine has."""

from dataclasses import fields
from itertools import product
from typing import Any

import pytest
from each import each
from hostile import refusal, unchecked

from loadstore.errors import NotThisModel
from loadstore.model.architecture import LATER, MOST, POSITIONS, Architecture
from loadstore.model.mixture import Mixture
from loadstore.model.mlp_facts import MOST_WIDTH, Mlp
from loadstore.model.rotary import Rotary
from loadstore.sites import Head

GOOD: dict[str, Any] = {
    **{"n_layers": 2, "n_heads": 3, "d_model": 12, "d_head": 4, "vocab": 17, "context": 10},
    "positions": "learned",
}
TURN = Rotary.of(4)
SCHEMES: dict[str, dict[str, Any]] = {
    name: {"positions": name, "rotary": TURN if name == "rotary" else None}
    | {"slopes": (0.5, 0.25, 0.125) if name == "alibi" else None}
    for name in POSITIONS
}


IMPOSSIBLE = [0, -1, 2**40, 10**30, 2.0, "2", None, True, float("nan"), [2]]


@each(("size", "value"), product(MOST, IMPOSSIBLE))
def test_an_impossible_size_is_named(size: str, value: object) -> None:
    with unchecked():
        refusal(
            lambda: Architecture(**{**GOOD, size: value}), NotThisModel, size, repr(value), f"from 1 to {MOST[size]}"
        )


@each("size", MOST)
def test_the_ends_of_the_range_are_possible(size: str) -> None:
    for value in (1, MOST[size]):
        assert getattr(Architecture(**{**GOOD, size: value}), size) == value


@each(
    ("fact", "value", "way"),
    [
        ("positions", "rotary", "belong together"),
        ("positions", "ALiBi", "use 'learned', 'shortformer', 'rotary', 'alibi' or 'none'"),
        ("positions", None, "use 'learned', 'shortformer', 'rotary', 'alibi' or 'none'"),
        ("norm", "RMS", "use 'none', 'layer' or 'rms'"),
        ("norm", [], "use 'none', 'layer' or 'rms'"),
        *(
            ("eps", value, "between 0 and 1")
            for value in (0.0, -1e-5, 1.0, float("nan"), float("inf"), "1e-5", None, True)
        ),
    ],
)
def test_an_unsupported_scheme_is_named(fact: str, value: object, way: str) -> None:
    with unchecked():
        refusal(lambda: Architecture(**{**GOOD, fact: value}), NotThisModel, fact, repr(value), way)


@pytest.mark.parametrize("positions", ["learned", "shortformer", "none"])
def test_frequencies_where_nothing_turns_are_refused(positions: str) -> None:
    refusal(lambda: Architecture(**{**GOOD, "positions": positions, "rotary": TURN}), NotThisModel, "belong together")


def test_more_dimensions_than_a_head_has_are_refused() -> None:
    facts = {**GOOD, "positions": "rotary", "rotary": Rotary.of(6)}
    refusal(lambda: Architecture(**facts), NotThisModel, "turn 6 dimensions, a head has 4")


@each(("dimensions", "base"), [(3, 10.0), (0, 10.0), (-2, 10.0), (4, 0.0), (4, float("nan"))])
def test_rotary_positions_that_cannot_be_are_refused(dimensions: int, base: float) -> None:
    refusal(lambda: Rotary.of(dimensions, base), NotThisModel, f"{dimensions} dimensions", f"base {base}", "even")


def test_the_last_norm_is_that_of_the_layers_unless_another_is_stated() -> None:
    assert Architecture(**GOOD, norm="rms").last_norm == "rms"
    assert Architecture(**GOOD, norm="rms", final_norm="none").last_norm == "none"


def test_learned_and_shortformer_positions_are_vectors_and_the_others_are_not() -> None:
    have = {name: Architecture(**{**GOOD, **facts}).has_pos for name, facts in SCHEMES.items()}
    assert have == {"learned": True, "shortformer": True, "rotary": False, "alibi": False, "none": False}


def test_heads_are_in_depth_order() -> None:
    heads = Architecture(**GOOD).heads
    assert heads == tuple(sorted(heads))
    assert (heads[0], heads[-1], len(heads)) == (Head(0, 0), Head(1, 2), 6)


@each("width", [0, -1, MOST_WIDTH + 1, 2.0, "2", None, True, float("nan")])
def test_an_mlp_of_an_impossible_width_is_refused(width: object) -> None:
    with unchecked():
        refusal(lambda: Mlp(width, False, "gelu"), NotThisModel, f"width {width!r}", f"1 to {MOST_WIDTH}")


def test_an_mlp_that_is_not_computed_is_refused() -> None:
    with unchecked():
        refusal(lambda: Mlp(8, False, "swiglu"), NotThisModel, "'swiglu'", "'silu'")
        refusal(lambda: Mlp(8, "yes", "silu"), NotThisModel, "gated or not", "true or false")
    assert Mlp(MOST_WIDTH, True, "silu").width == MOST_WIDTH


@each("kv", [0, -1, 2, 4, 1.0, "1", True])
def test_keys_and_values_that_heads_cannot_share_evenly_are_refused(kv: object) -> None:
    with unchecked():
        refusal(lambda: Architecture(**GOOD, n_kv_heads=kv), NotThisModel, f"n_kv_heads = {kv!r}", "a divisor of 3")


def test_neighbouring_heads_share_keys_and_values() -> None:
    shape = Architecture(**{**GOOD, "n_heads": 6}, n_kv_heads=2)
    assert [shape.kv(head) for head in range(6)] == [0, 0, 0, 1, 1, 1]
    assert Architecture(**GOOD).kv_heads == 3


@each("windows", [(3,), (3, 0), (3, -1), (3, 2.0), (3, True), (3, "4"), (3, 4, 5)])
def test_windows_that_cannot_be_are_refused(windows: object) -> None:
    with unchecked():
        refusal(lambda: Architecture(**GOOD, windows=windows), NotThisModel, "expected 2 whole numbers from 1")


def test_a_layer_reaches_as_far_as_its_window_and_the_context() -> None:
    assert [Architecture(**GOOD, windows=(3, None)).reach(layer) for layer in (0, 1)] == [3, 10]
    assert Architecture(**GOOD, windows=(99, 10)).reach(0) == 10
    assert Architecture(**GOOD).reach(1) == 10


SCALES = ("score_scale", "embedding_scale", "residual_scale", "score_cap", "logit_cap")
LOCAL: dict[str, Any] = {**GOOD, "positions": "rotary", "rotary": TURN, "windows": (3, None)}


def test_layers_with_a_window_may_turn_otherwise_and_scores_have_a_scale_of_their_own() -> None:
    shape = Architecture(**LOCAL, local_rotary=Rotary.of(2), score_scale=0.25)
    assert (shape.rotary_of(0), shape.rotary_of(1)) == (Rotary.of(2), TURN)
    assert (shape.attention_scale, Architecture(**LOCAL).attention_scale) == (0.25, 0.5)
    assert Architecture(**LOCAL).rotary_of(0) == TURN


@each(
    "facts",
    [
        {**LOCAL, "windows": None, "local_rotary": TURN},
        {**LOCAL, "windows": (None, None), "local_rotary": TURN},
        {**GOOD, "windows": (3, None), "local_rotary": TURN},
        {**LOCAL, "local_rotary": Rotary.of(6)},
        *({**GOOD, name: value} for name in SCALES for value in (0.0, -1.0, 1e7, 2, True)),
        *({**LOCAL, "unturned": value} for value in ((2,), (1, 0), (0, 0), (True,))),
        {**GOOD, "unturned": (0,)},
        {**GOOD, "positions": "alibi"},
        {**GOOD, "slopes": (0.5, 0.25, 0.125)},
        {**SCHEMES["alibi"], **GOOD, "positions": "alibi", "score_cap": 2.0},
        *(
            {**GOOD, "positions": "alibi", "slopes": slopes}
            for slopes in ((0.5, 0.25), (0.5, 0.25, 0.0), (0.5, 0.25, 1), (0.5, 0.25, float("nan")), (0.5, 0.2, 2e6))
        ),
        {**GOOD, "embedding_scale": None},
        {**GOOD, "score_scale": float("nan")},
    ],
)
def test_scales_and_local_frequencies_that_cannot_be_are_refused(facts: dict[str, Any]) -> None:
    with unchecked():
        refusal(lambda: Architecture(**facts), NotThisModel)


def test_facts_that_say_nothing_are_not_stated_so_that_files_and_digests_of_before_stay() -> None:
    usual = Architecture(**LOCAL)
    assert LATER.isdisjoint(usual.stated)
    assert len(usual.stated) == len(fields(Architecture)) - len(LATER)
    scales = dict.fromkeys(SCALES, 0.5)
    mlp, mixture = Mlp(9, gated=True, activation="silu"), Mixture(4, 2, 2, normalised=True)
    more: dict[str, Any] = {"experts": mixture, "local_rotary": TURN, "unturned": (1,), "d_value": 3}
    unusual = Architecture(**LOCAL | {"mlp": mlp} | more | scales)
    falling = Architecture(**{**GOOD, **SCHEMES["alibi"]})
    assert set(unusual.stated) | set(falling.stated) == set(usual.stated) | LATER
