"""The memory map: shares of stores are exact, sum to one, and agree with addresses; bad questions are refused."""

import math
from collections import defaultdict

import pytest
import torch
from tiny import KINDS, Kind, some_tokens, tiny

import loadstore as ls
from loadstore.errors import LoadstoreError
from loadstore.explorer.ask import Ask
from loadstore.explorer.memory import memory, store
from loadstore.explorer.state import Explorer
from loadstore.explorer.stores import loaded, uses
from loadstore.model.wiring import wiring
from loadstore.sites import SIDES

ARTICLE = "the cat sat on the mat. the dog sat on the log."


@pytest.fixture(scope="module")
def explorer() -> Explorer:
    return Explorer(ls.load("builtin"), ARTICLE)


@pytest.fixture(scope="module")
def run(explorer: Explorer) -> str:
    return explorer.runs.make(ARTICLE)[0]


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_shares_of_all_stores_are_those_of_the_address(kind: Kind) -> None:
    weights = tiny(kind)
    trace = ls.run(weights, some_tokens(weights, batch=1, length=6)[0], record=True)
    total: dict[tuple[str, int, str], float] = defaultdict(float)
    for writer in wiring(weights).writers:
        for at in range(6):
            for use in uses(trace, writer, at):
                total[str(use.reader), use.query, str(writer)] += use.share
    for head in ("L0.H1", "L2.H0"):
        for query in (1, 5):
            found = ls.address(trace, head, query, "row")
            for side in SIDES:
                for name, share in found.shares[side].items():
                    if name != "const" and not math.isnan(share):
                        assert total[f"{head}.{side}", query, name] == pytest.approx(share, abs=1e-9)


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_what_is_loaded_of_all_stores_counts_the_loads(kind: Kind) -> None:
    weights = tiny(kind)
    trace = ls.run(weights, some_tokens(weights, batch=1, length=6)[0], record=True)
    single = defaultdict[tuple[str, int], float](float)
    for writer in wiring(weights).writers:
        for at in range(6):
            single[str(writer), at] = sum(use.share for use in uses(trace, writer, at))
    totals = loaded(trace)
    for (name, at), share in single.items():
        assert float(totals.get(name, torch.zeros(6))[at]) == pytest.approx(share, abs=1e-8)


def test_loads_that_are_defined_are_counted_once(explorer: Explorer, run: str) -> None:
    trace = explorer.runs.get(run)
    shape, tokens = trace.weights.architecture, trace.tokens.shape[1]
    heads = shape.n_layers * shape.n_heads
    counted = float(sum(values.sum() for values in loaded(trace).values()))
    assert counted == pytest.approx(heads * (tokens + 2 * (tokens - 1)), abs=1e-3)  # token 0 has nothing to choose


def test_the_previous_token_head_s_note_is_read_by_both_induction_heads(explorer: Explorer, run: str) -> None:
    found = store(explorer, Ask({"run": run, "writer": "L0.H7", "at": 4}))
    assert [(load["head"], load["side"], load["query"]) for load in found["lit"][:2]] == [
        ("L1.H10", "K", 10),
        ("L1.H4", "K", 10),
    ]
    assert found["decoded"][0]["text"] == "␣sat"
    assert found["source"][0]["at"] == 3
    trace = explorer.runs.get(run)
    assert found["norm"] == pytest.approx(float(trace.written("L0.H7")[4].norm()), rel=1e-6)
    by_traffic = store(explorer, Ask({"run": run, "writer": "L0.H7", "at": 4, "by": "traffic"}))
    keys = [load for load in by_traffic["lit"] if load["side"] == "K"]
    assert {(load["head"], load["query"]) for load in keys[:2]} == {("L1.H4", 10), ("L1.H10", 10)}


def test_strips_are_the_squared_norms_and_their_sum_is_the_stream(explorer: Explorer, run: str) -> None:
    trace, found = explorer.runs.get(run), memory(explorer, Ask({"run": run}))
    for row in found["rows"]:
        stores = torch.stack([trace.written(writer).double() for writer in row["writers"]])
        assert torch.tensor(row["values"]).double() == pytest.approx(stores.square().sum(-1), rel=1e-3)
        assert row["sums"] == pytest.approx(stores.sum(0).square().sum(-1).tolist(), rel=1e-3)
    embed = next(row for row in found["rows"] if row["label"] == "embed")
    assert "embed" in embed["writers"]


def test_a_window_begins_where_it_says(explorer: Explorer, run: str) -> None:
    whole, part = memory(explorer, Ask({"run": run})), memory(explorer, Ask({"run": run, "first": 3}))
    for one, other in zip(whole["rows"], part["rows"], strict=True):
        assert [row[3:] for row in one["values"]] == other["values"]


@pytest.mark.parametrize(
    "fields",
    [
        {"writer": "L9.H9", "at": 1},
        {"writer": "nobody", "at": 1},
        {"writer": "embed", "at": 99},
        {"writer": "embed"},
        {"writer": "embed", "at": 1, "by": "luck"},
    ],
)
def test_bad_questions_are_refused(explorer: Explorer, run: str, fields: dict[str, object]) -> None:
    with pytest.raises(LoadstoreError):
        store(explorer, Ask({"run": run, **fields}))
