"""The inspector's address: the numbers of ``ls.address``, every null of ``ls.subspace_scores``, and bad requests."""

import math
from typing import Any

import pytest
import torch
from close import assert_close
from each import each
from served import on_builtin

import loadstore as ls
from loadstore.errors import BadRequest, LoadstoreError, NoSuchSite, NoSuchWire, Undefined
from loadstore.explorer.address import SHOWN
from loadstore.explorer.state import Explorer
from loadstore.explorer.table import answered
from loadstore.views.base import plain

PROMPT = "the cat sat on the mat. the dog sat on the log."


def quiet(done: int, of: int) -> None:
    assert 0 <= done <= of


@pytest.fixture(scope="module")
def explorer() -> Explorer:
    return on_builtin()


@pytest.fixture(scope="module")
def run(explorer: Explorer) -> str:
    return explorer.runs.make(PROMPT)[0]


def found(explorer: Explorer, run: str, **more: Any) -> Any:
    return plain(answered("address", explorer, {"run": run, "head": "L1.H4", "at": 10, **more}))


def test_shares_and_their_rest_are_those_of_the_address_and_sum_to_one(explorer: Explorer, run: str) -> None:
    known = ls.address(explorer.runs.get(run), "L1.H4", 10)
    for side in found(explorer, run)["sides"]:
        shares = known.shares[side["side"]]
        assert all(row["share"] == shares[row["writer"]] for row in side["writers"])
        assert len(side["writers"]) == SHOWN
        assert side["others"]["count"] == len(shares) - SHOWN
        assert math.fsum([*(row["share"] for row in side["writers"]), side["others"]["share"]]) == pytest.approx(
            1, abs=1e-12
        )
        assert side["total"] == pytest.approx(1, abs=1e-12)
        assert_close(side["remainder"], 0.0, dtype=torch.float32, scale=1.0)  # in parts of the sum


def test_writers_go_by_the_size_of_their_share_whatever_its_sign(explorer: Explorer, run: str) -> None:
    for side in found(explorer, run)["sides"]:
        sizes = [abs(row["share"]) for row in side["writers"]]
        assert sizes == sorted(sizes, reverse=True)


def test_the_induction_head_reads_what_the_previous_token_head_stored(explorer: Explorer, run: str) -> None:
    answer = found(explorer, run)
    key = answer["sides"][1]
    assert (key["writers"][0]["writer"], key["place"]) == ("L0.H7", 4)
    assert key["writers"][0]["share"] == pytest.approx(1.15, abs=0.01)
    assert key["read"]["rows"][0]["text"] == "␣sat"
    assert answer["soft"].startswith("L1.H4@␣sat·10 → ␣on·4 .83")


def test_a_sentence_has_the_weights_of_the_pattern_and_nothing_for_later_tokens(explorer: Explorer, run: str) -> None:
    trace = explorer.runs.get(run)
    weights = found(explorer, run)["sentence"]["rows"][0]["weights"]
    assert weights[:11] == pytest.approx(trace.pattern("L1.H4")[10, :11].tolist(), rel=1e-6)
    assert weights[11:] == [None] * (len(trace.labels) - 11)


@pytest.mark.parametrize("about", ["most", "row", 2])
def test_what_shares_are_about_is_what_was_asked(explorer: Explorer, run: str, about: Any) -> None:
    known = ls.address(explorer.runs.get(run), "L1.H4", 10, about=about)
    answer = found(explorer, run, about=about)
    assert answer["key"] == known.key
    assert answer["sides"][1]["writers"][0]["share"] == known.shares["K"][answer["sides"][1]["writers"][0]["writer"]]


def test_one_key_leaves_nothing_to_choose_and_the_output_is_still_shared(explorer: Explorer, run: str) -> None:
    query, key, value = found(explorer, run, at=0)["sides"]
    assert query["undefined"] == key["undefined"] == "one key: there is nothing to choose"
    assert query["writers"] == key["writers"] == []
    assert not value["undefined"]
    assert value["total"] == pytest.approx(1, abs=1e-12)


def test_const_is_shared_but_is_no_wire(explorer: Explorer) -> None:
    run, _ = explorer.runs.make(PROMPT)
    every = [row for side in found(explorer, run, head="L0.H0")["sides"] for row in side["writers"]]
    assert {row["writer"] for row in every if not row["wire"]} <= {"const"}
    assert {row["writer"] for row in every if row["wire"]} <= {"embed", "pos"}


@each(
    ("fields", "error", "told"),
    [
        ({"head": "L9.H0"}, NoSuchSite, "L9.H0"),
        ({"head": "first"}, NoSuchSite, "not a head"),
        ({"at": 99}, Undefined, "no token 99"),
        ({"at": "10"}, BadRequest, "at: expected a whole number"),
        ({"about": 12}, Undefined, "cannot attend to the later token 12"),
        ({"about": "all"}, BadRequest, "expected one of most, row"),
        ({"about": [1, 2]}, BadRequest, "expected one of most, row"),
    ],
)
def test_what_cannot_be_answered_says_why(
    explorer: Explorer, run: str, fields: dict[str, Any], error: type[LoadstoreError], told: str
) -> None:
    with pytest.raises(error, match=told):
        found(explorer, run, **fields)


def test_every_number_of_the_weights_has_its_chance_and_is_that_of_the_scores(explorer: Explorer) -> None:
    wires = [{"writer": "L0.H7", "side": "K"}, {"writer": "embed", "side": "Q"}, {"writer": "L0.H11", "side": "V"}]
    answer = answered("nulls", explorer, {"head": "L1.H4", "wires": wires})(quiet)["wires"]
    known: Any = ls.subspace_scores(
        explorer.weights, where=[f"{one['writer']} -> L1.H4.{one['side']}" for one in wires]
    )
    for one, asked in zip(answer, wires, strict=True):
        assert (one["writer"], one["side"]) == (asked["writer"], asked["side"])
        cell = known.sel(writer=one["writer"], reader=f"L1.H4.{one['side']}")
        for name in ("score", "chance", "z", "p", "alignment", "ceiling"):
            assert one["numbers"][name] == pytest.approx(float(cell[name]), rel=1e-9)


def test_a_wire_is_weighed_once(explorer: Explorer, monkeypatch: pytest.MonkeyPatch) -> None:
    ask = {"head": "L1.H5", "wires": [{"writer": "L0.H7", "side": "K"}]}
    first = answered("nulls", explorer, ask)(quiet)
    monkeypatch.setattr("loadstore.explorer.address.subspace_scores", None)
    assert answered("nulls", explorer, ask)(quiet) == first


@each(
    ("wires", "error"),
    [
        ([{"writer": "L1.H0", "side": "K"}], NoSuchWire),
        ([{"writer": "const", "side": "K"}], NoSuchSite),
        ([{"writer": "* -> *", "side": "K"}], NoSuchSite),
        ([{"writer": "embed", "side": "O"}], BadRequest),
        ([{"writer": "embed", "side": "Q", "more": 1}], BadRequest),
        ([{"writer": "embed", "side": "Q"}] * 65, BadRequest),
        ("embed", BadRequest),
    ],
)
def test_no_wire_but_those_that_exist_is_weighed(explorer: Explorer, wires: Any, error: type[LoadstoreError]) -> None:
    with pytest.raises(error):
        answered("nulls", explorer, {"head": "L1.H4", "wires": wires})


def test_a_store_decodes_to_what_could_have_been_stored(explorer: Explorer, run: str) -> None:
    answer = answered("decoded", explorer, {"run": run, "writer": "L0.H7", "at": 4})
    assert answer["place"] == "␣on·4:L0.H7"
    assert answer["rows"][0]["text"] == "␣sat"
    assert answered("decoded", explorer, {"run": run, "writer": "pos", "at": 4})["rows"][0]["text"] == "position 4"
    with pytest.raises(NoSuchSite):
        answered("decoded", explorer, {"run": run, "writer": "const", "at": 4})
    with pytest.raises(Undefined):
        answered("decoded", explorer, {"run": run, "writer": "embed", "at": 15})


def test_steps_are_the_walk_of_the_same_address(explorer: Explorer, run: str) -> None:
    drawn = answered("steps", explorer, {"run": run, "head": "L1.H4", "at": 10})
    known = ls.parts.walk(explorer.runs.get(run), "L1.H4", 10)
    assert drawn["views"][0]["score"]["value"] == pytest.approx(known.parts.attrs["recorded"], rel=1e-6)
    assert answered("steps", explorer, {"run": run, "head": "L1.H4", "at": 0})["views"] == []
