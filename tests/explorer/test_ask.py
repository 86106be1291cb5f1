"""The bounds of every field of a request, at them and one beyond."""

from typing import Any

import pytest
from each import each

from loadstore.errors import BadRequest
from loadstore.explorer.ask import asked
from loadstore.explorer.requests import (
    CHARACTERS,
    LEAST,
    MOST,
    NAME,
    AddressRequest,
    EffectRequest,
    NullsRequest,
    QuestionRequest,
    Request,
    RunRequest,
)

AT: dict[str, Any] = {"run": "x", "head": "x", "at": 0}
CUT, ABLATE = {"kind": "cut", "writer": "a", "reader": "b"}, {"kind": "ablate", "writer": "a"}


@pytest.mark.parametrize("value", [LEAST, LEAST + 1, 0, MOST - 1])
def test_a_number_up_to_its_bounds_is_taken(value: int) -> None:
    assert asked(AddressRequest, {**AT, "at": value}).at == value
    assert asked(RunRequest, {"ids": [0, value]}).ids == (0, value)


@pytest.mark.parametrize("value", [LEAST - 1, MOST, MOST + 1, 2**70])
def test_a_number_beyond_its_bounds_is_refused(value: int) -> None:
    with pytest.raises(BadRequest, match="at: expected a whole number"):
        asked(AddressRequest, {**AT, "at": value})
    with pytest.raises(BadRequest, match="ids: expected a list of whole numbers"):
        asked(RunRequest, {"ids": [0, value]})


def test_numbers_are_those_of_32_bits() -> None:
    assert (LEAST, MOST, NAME, CHARACTERS) == (-(2**31), 2**31, 64, 20_000)


def test_texts_and_lists_of_the_most_parts_are_taken() -> None:
    assert asked(RunRequest, {"prompt": "x" * 20_000}).prompt == "x" * 20_000
    assert len(asked(RunRequest, {"ids": [1] * 20_000}).ids or ()) == 20_000
    assert len(asked(EffectRequest, {"run": "x", "at": 0, "edits": [CUT, ABLATE] * 32}).edits) == 64
    assert len(asked(NullsRequest, {"head": "x", "wires": [{"writer": "x", "side": "Q"}] * 64}).wires) == 64


@each(
    ("wanted", "fields", "told"),
    [
        (RunRequest, {"prompt": "x" * 20_001}, "prompt: 20,001 characters; at most 20,000 are taken"),
        (RunRequest, {"ids": [1] * 20_001}, "ids: 20,001 numbers; at most 20,000 are taken"),
        (RunRequest, {"ids": 1}, "ids: expected a list of whole numbers, got 1"),
        (EffectRequest, {"run": "x", "at": 0, "edits": [CUT] * 65}, "edits: 65 objects; at most 64 are taken"),
        (EffectRequest, {"run": "x", "at": 0, "edits": [CUT, 3]}, "edits: expected a list of objects, got "),
        (EffectRequest, {"run": "x", "at": 0, "edits": [CUT, {}]}, "kind: expected one of cut, ablate, got nothing"),
        (
            EffectRequest,
            {"run": "x", "at": 0, "edits": [{"kind": "cut", "writer": "a"}]},
            "reader: expected a text, got",
        ),
        (EffectRequest, {"run": "x", "at": 0, "edits": [{**ABLATE, "at": 1}]}, "'at'; the fields here are: writer"),
        (
            NullsRequest,
            {"head": "x", "wires": [{"writer": "x", "side": "Z"}]},
            "side: expected one of Q, K, V, got 'Z'",
        ),
        (AddressRequest, {**AT, "about": "all"}, "about: expected one of most, row, got 'all'"),
        (AddressRequest, {**AT, "about": MOST}, "about: expected a whole number, got"),
        (AddressRequest, {"head": "x", "at": 0}, "run: expected a text, got nothing"),
        (QuestionRequest, {"run": "x", "predict": "x" * 65}, "predict: 65 characters; at most 64"),
        (QuestionRequest, {"run": "x", "predict": [1]}, r"predict: expected a text, got \[1\]"),
        (QuestionRequest, {"run": "x", "x`y - at `$.run`": 1}, "the fields here are: against, at, predict, run"),
        (QuestionRequest, {"run": "x", "\ud800": 1}, "unknown field"),
        (
            RunRequest,
            {"schema": "loadstore/explorer@0"},
            "schema: expected loadstore/explorer@1, got .*: reload the page",
        ),
        (RunRequest, {"schema": [1]}, "schema: expected loadstore/explorer@1"),
    ],
)
def test_what_is_refused_is_named_with_what_was_expected(
    wanted: type[Request], fields: dict[str, object], told: str
) -> None:
    with pytest.raises(BadRequest, match=told):
        asked(wanted, fields)


def test_a_question_may_say_its_version() -> None:
    assert asked(RunRequest, {"schema": "loadstore/explorer@1", "run": "x"}) == asked(RunRequest, {"run": "x"})
