"""The limits of a question in numbers, at each and one beyond: fields, brackets, proofs, prompts, windows, steps."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest
import torch
from hostile import unchecked
from loops import run_apart

from loadstore.errors import BadRequest
from loadstore.explorer import listing
from loadstore.explorer.ask import asked
from loadstore.explorer.body import object_of
from loadstore.explorer.connections import Connection, Connections, Room, room
from loadstore.explorer.prompt import window
from loadstore.explorer.requests import DecodedRequest, EffectRequest, RunRequest, VerifyRequest
from loadstore.explorer.runs import Runs
from loadstore.explorer.work import Busy, Work


def test_a_name_has_at_most_64_characters() -> None:
    assert asked(RunRequest, {"run": "x" * 64}).run == "x" * 64
    with pytest.raises(BadRequest, match="65 characters; at most 64"):
        asked(RunRequest, {"run": "x" * 65})


@pytest.mark.parametrize("value", [True, 1.0, "1", [1], None])
def test_only_a_whole_number_is_a_number(value: object) -> None:
    with pytest.raises(BadRequest, match="at: expected a whole number, got"):
        asked(DecodedRequest, {"run": "x", "writer": "x", "at": value})
    with pytest.raises(BadRequest, match="ids: expected a list of whole numbers"):
        asked(RunRequest, {"ids": [value]})


def test_a_missing_field_has_its_default_and_null_is_missing() -> None:
    usual = {"run": "x", "at": 1, "edits": []}
    missing = asked(EffectRequest, usual)
    assert asked(EffectRequest, {**usual, "by": None, "head": None, "after": None, "predict": None}) == missing
    with pytest.raises(BadRequest, match="expected one of mean, zero, got 'Mean'"):
        asked(EffectRequest, {**usual, "by": "Mean"})


@pytest.mark.parametrize(("deep", "taken"), [(7, True), (8, True), (9, False)])
def test_brackets_nest_eight_deep(deep: int, *, taken: bool) -> None:
    inner = b"[" * (deep - 1) + b"]" * (deep - 1)
    assert (object_of(b'{"ids": ' + inner + b"}") is not None) is taken


@pytest.mark.parametrize("body", [b'{"at": NaN}', b'{"at": Infinity}', b'{"at": 1', b"[1]", b"null", b"\xff"])
def test_what_is_no_json_object_is_none(body: bytes) -> None:
    assert object_of(body) is None


@pytest.mark.parametrize(
    ("controls", "replicates", "taken"),
    [(1, 2, True), (50, 32, True), (0, 2, False), (51, 2, False), (1, 1, False), (1, 33, False)],
)
def test_a_proof_has_up_to_50_controls_and_2_to_32_replicates(
    monkeypatch: pytest.MonkeyPatch, controls: int, replicates: int, *, taken: bool
) -> None:
    monkeypatch.setattr(listing, "_find", lambda *_: None)
    ask = asked(VerifyRequest, {"run": "x", "controls": controls, "replicates": replicates})
    with unchecked():
        if taken:
            assert callable(listing.verify(cast("Any", None), ask))
            return
        with pytest.raises(BadRequest, match="controls: 1 to 50, replicates: 2 to 32"):
            listing.verify(cast("Any", None), ask)


@pytest.mark.parametrize(("count", "told"), [(64, "kind: expected one of cut, ablate"), (65, "65 objects; at most 64")])
def test_64_edits_are_read_and_not_one_more(count: int, told: str) -> None:
    with pytest.raises(BadRequest, match=told):
        asked(EffectRequest, {"run": "x", "at": 1, "edits": [{}] * count})


@pytest.mark.parametrize(
    ("layers", "heads", "context", "most"),
    [(2, 12, 256, 256), (2, 12, 4096, 1024), (32, 32, 4096, 362), (200, 1000, 4096, 25), (1, 1, 0, 1)],
)
def test_a_prompt_is_as_long_as_the_context_1024_tokens_and_half_a_gigabyte_of_patterns(
    layers: int, heads: int, context: int, most: int
) -> None:
    shape = SimpleNamespace(n_layers=layers, n_heads=heads, context=context)
    with unchecked():
        assert Runs(cast("Any", SimpleNamespace(architecture=shape))).most == most


@pytest.mark.parametrize(("first", "last"), [(0, 256), (1, 257), (43, 299), (44, 300), (299, 300)])
def test_a_window_is_256_tokens_of_the_prompt(first: int, last: int) -> None:
    trace = cast("Any", SimpleNamespace(tokens=torch.zeros(1, 300)))
    with unchecked():
        assert window(trace, first) == (first, last)


@pytest.mark.parametrize("first", [-1, 300, 301])
def test_a_window_begins_in_the_prompt(first: int) -> None:
    trace = cast("Any", SimpleNamespace(tokens=torch.zeros(1, 300)))
    with unchecked(), pytest.raises(BadRequest, match=rf"first: {first}, and the prompt has tokens 0 to 299"):
        window(trace, first)


def test_a_question_too_many_is_sent_away_until_another_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    """No answer is there before the loop turns, so that all of them wait."""
    monkeypatch.setattr("loadstore.explorer.work.WAITING", 2)

    async def ask() -> None:
        work = Work()
        calls = [asyncio.ensure_future(work.quick(lambda: 5)) for _ in range(3)]
        answers = await asyncio.gather(*calls, return_exceptions=True)
        assert answers[:2] == [5, 5]
        assert isinstance(answers[2], Busy)
        assert await work.quick(lambda: 6) == 6  # those before have left
        work.close()

    run_apart(ask())


@pytest.mark.parametrize(
    ("key", "read", "more"),
    [(False, 65_536, True), (False, 65_537, False), (True, 65_537, True), (True, 33_554_432, True)],
)
def test_a_stranger_sends_64_kilobytes_and_the_owner_32_megabytes(*, key: bool, read: int, more: bool) -> None:
    all_, one = Connections(Room(9, 9, 1)), Connection(lambda: None)
    all_.made(one)
    all_.begun(one, key=key)
    assert one.reads(read)
    assert one.reads(1) is more
    all_.ended(one)
    assert one.reads(1)  # another request begins


@pytest.mark.parametrize(
    ("key", "answering", "after"), [(False, 30.0, 10.0), (True, 2000.0, 30.0)], ids=["stranger", "owner"]
)
def test_the_owner_has_longer_than_a_stranger(*, key: bool, answering: float, after: float) -> None:
    all_, one = Connections(Room(9, 9, 1)), Connection(lambda: None)
    all_.made(one)
    assert (one.group, one.patience) == ("stranger", 10.0)
    all_.begun(one, key=key)
    assert (one.group, one.patience) == ("busy" if key else "stranger", answering)
    all_.ended(one)
    assert (one.group, one.patience) == ("idle" if key else "stranger", after)


@pytest.mark.parametrize(
    ("most", "strangers", "idle", "at_once"), [(20, 16, 8, 2), (256, 98, 49, 12), (1024, 256, 128, 32)]
)
def test_the_room_in_numbers(most: int, strangers: int, idle: int, at_once: int) -> None:
    assert room(most, used=20) == Room(strangers, idle, at_once)
