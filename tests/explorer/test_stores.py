"""One store and the loads that used it, those that hold most; rows of stores that are the stream."""

import math
from typing import Any

import pytest
import torch
from each import each
from served import on_builtin
from tiny import KINDS, Kind, some_tokens, tiny

import loadstore as ls
from loadstore.errors import BadRequest, NoSuchSite
from loadstore.explorer.memory import LIT, MASS
from loadstore.explorer.runs import NoSuchRun
from loadstore.explorer.state import Explorer
from loadstore.explorer.table import answered
from loadstore.model.wiring import wiring
from loadstore.sites import SIDES

PROMPT = "the cat sat on the mat. the dog sat on the log."
LENGTH = 6


@pytest.fixture(scope="module")
def explorer() -> Explorer:
    return on_builtin()


@pytest.fixture(scope="module")
def run(explorer: Explorer) -> str:
    return explorer.runs.make(PROMPT)[0]


def asked(question: str, explorer: Explorer, **fields: Any) -> Any:
    return answered(question, explorer, fields)


@pytest.mark.parametrize("kind", KINDS[::4], ids=str)
def test_the_sums_of_rows_are_what_is_in_the_stream(kind: Kind) -> None:
    model = tiny(kind)
    ids = some_tokens(model, batch=1, length=LENGTH)[0].tolist()
    small = Explorer(model, ids)
    name, trace = small.runs.make(ids)
    rows = {row["label"]: row for row in asked("memory", small, run=name)["rows"]}
    assert [w for row in rows.values() for w in row["writers"]] == [str(w) for w in wiring(model).writers]
    expected = {"embed": trace.residual(0)}
    for layer in range(3):
        stored = trace.residual(layer + 1) - trace.residual(layer)
        if kind.mlp:
            expected[f"L{layer}.mlp"] = trace.written(f"L{layer}.mlp")
            stored = stored - expected[f"L{layer}.mlp"]
        expected[f"L{layer}"] = stored
    if kind.positions == "shortformer":
        expected["pos"] = trace.written("pos")
    assert set(rows) == set(expected)
    for label, stream in expected.items():
        assert rows[label]["sums"] == pytest.approx(stream.square().sum(-1).tolist(), rel=1e-3)
        stores = torch.stack([trace.written(writer) for writer in rows[label]["writers"]]).square().sum(-1)
        assert rows[label]["squares"] == pytest.approx(stores.sum(0).tolist(), rel=1e-3)
        for mine, theirs in zip(rows[label]["values"], stores, strict=True):
            assert mine == pytest.approx(theirs.tolist(), rel=1e-3)


def test_what_was_loaded_is_told_row_by_row(explorer: Explorer, run: str) -> None:
    answer = asked("memory", explorer, run=run, measure="loaded")
    totals = ls.parts.load_totals(explorer.runs.get(run))
    for row in answer["rows"]:
        for writer, values in zip(row["writers"], row["values"], strict=True):
            assert values == pytest.approx(totals.sel(writer=writer).values.tolist(), rel=1e-3, abs=1e-12)
    assert answer["rows"][-1]["values"] == [[0.0] * 15] * 12  # no head is later than the last layer
    assert "pos is not in the stream" in answer["meaning"]


@pytest.mark.parametrize("writer", ["embed", "pos", "L0.H7", "L0.H0"])
def test_lit_loads_hold_most_of_all_and_the_others_the_rest(explorer: Explorer, run: str, writer: str) -> None:
    answer = asked("store", explorer, run=run, writer=writer, at=4)
    every = ls.parts.store_loads(explorer.runs.get(run), writer, 4).share
    sizes = [abs(load["share"]) for load in answer["lit"]]
    assert sizes == sorted(sizes, reverse=True)
    assert len(sizes) + answer["others"]["count"] == int(every.notnull().sum())
    assert math.fsum([*sizes, answer["others"]["held"]]) == pytest.approx(float(abs(every).sum()))
    assert len(sizes) == LIT or math.fsum(sizes) >= MASS * float(abs(every).sum())
    if len(sizes) < LIT:
        assert math.fsum(sizes[:-1]) < MASS * float(abs(every).sum())


def test_by_traffic_sides_stand_apart_and_units_are_not_added(explorer: Explorer, run: str) -> None:
    answer = asked("store", explorer, run=run, writer="L0.H7", at=4, by="traffic")
    assert answer["others"]["held"] is None
    for side in SIDES:
        sizes = [load["traffic"] for load in answer["lit"] if load["side"] == side]
        assert 0 < len(sizes) <= LIT // 3
        assert sizes == sorted(sizes, reverse=True)


def test_a_store_of_the_last_layer_is_loaded_by_no_head(explorer: Explorer, run: str) -> None:
    answer = asked("store", explorer, run=run, writer="L1.H4", at=10)
    assert answer["lit"] == []
    assert answer["others"] == {"count": 0, "held": 0.0}
    assert answer["logit"] is not None


def test_positions_beside_the_stream_have_no_share_of_it(explorer: Explorer, run: str) -> None:
    answer = asked("store", explorer, run=run, writer="pos", at=4)
    assert answer["shares"] == []
    assert answer["logit"] is None
    assert {load["side"] for load in answer["lit"]} <= {"Q", "K"}


def test_a_store_is_a_share_of_the_stream_as_decomposed(explorer: Explorer, run: str) -> None:
    trace = explorer.runs.get(run)
    answer = asked("store", explorer, run=run, writer="L0.H7", at=4)
    row = trace.written("L0.H7")[4].double()
    assert answer["norm"] == pytest.approx(float(row.norm()))
    for told, layer in zip(answer["shares"], (1, 2), strict=True):
        stream = trace.residual(layer)[4].double()
        assert told["share"] == pytest.approx(float(row @ stream / (stream @ stream)))


@each(
    ("question", "fields", "error"),
    [
        ("memory", {"run": "nothing"}, NoSuchRun),
        ("memory", {"first": 15}, BadRequest),
        ("memory", {"first": -1}, BadRequest),
        ("memory", {"measure": "alive"}, BadRequest),
        ("memory", {"writer": "embed"}, BadRequest),
        ("store", {"writer": "L0.H7", "at": 4.5}, BadRequest),
        ("store", {"writer": "const", "at": 4}, NoSuchSite),
    ],
)
def test_bad_questions_are_refused(
    explorer: Explorer, run: str, question: str, fields: dict[str, object], error: type[Exception]
) -> None:
    with pytest.raises(error):
        asked(question, explorer, **({"run": run} | fields))
