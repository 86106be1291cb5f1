"""The memory map on the article's sentence, its windows, and bad questions."""

import pytest
import torch
from each import each
from served import on_builtin

from loadstore.errors import LoadstoreError
from loadstore.explorer.state import Explorer
from loadstore.explorer.table import answered

ARTICLE = "the cat sat on the mat. the dog sat on the log."


@pytest.fixture(scope="module")
def explorer() -> Explorer:
    return on_builtin()


@pytest.fixture(scope="module")
def run(explorer: Explorer) -> str:
    return explorer.runs.make(ARTICLE)[0]


def test_the_previous_token_head_s_note_is_read_by_both_induction_heads(explorer: Explorer, run: str) -> None:
    found = answered("store", explorer, {"run": run, "writer": "L0.H7", "at": 4})
    assert [(load["head"], load["side"], load["query"]) for load in found["lit"][:2]] == [
        ("L1.H10", "K", 10),
        ("L1.H4", "K", 10),
    ]
    assert found["decoded"][0]["text"] == "␣sat"
    assert found["source"][0]["at"] == 3
    trace = explorer.runs.get(run)
    assert found["norm"] == pytest.approx(float(trace.written("L0.H7")[4].norm()), rel=1e-6)
    by_traffic = answered("store", explorer, {"run": run, "writer": "L0.H7", "at": 4, "by": "traffic"})
    keys = [load for load in by_traffic["lit"] if load["side"] == "K"]
    assert {(load["head"], load["query"]) for load in keys[:2]} == {("L1.H4", 10), ("L1.H10", 10)}


def test_strips_are_the_squared_norms_and_their_sum_is_the_stream(explorer: Explorer, run: str) -> None:
    trace, found = explorer.runs.get(run), answered("memory", explorer, {"run": run})
    for row in found["rows"]:
        stores = torch.stack([trace.written(writer).double() for writer in row["writers"]])
        assert torch.tensor(row["values"]).double() == pytest.approx(stores.square().sum(-1), rel=1e-3)
        assert row["sums"] == pytest.approx(stores.sum(0).square().sum(-1).tolist(), rel=1e-3)
    embed = next(row for row in found["rows"] if row["label"] == "embed")
    assert "embed" in embed["writers"]


def test_a_window_begins_where_it_says(explorer: Explorer, run: str) -> None:
    whole, part = answered("memory", explorer, {"run": run}), answered("memory", explorer, {"run": run, "first": 3})
    for one, other in zip(whole["rows"], part["rows"], strict=True):
        assert [row[3:] for row in one["values"]] == other["values"]


@each(
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
        answered("store", explorer, {"run": run, **fields})
