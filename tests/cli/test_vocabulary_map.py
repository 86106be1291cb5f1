"""``loadstore vocabulary-map`` tells the built-in model's known circuits, and refuses what is none."""

import json
from collections.abc import Callable
from functools import partial

import pytest
from each import each

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def command(loadstore: Run) -> Run:
    return partial(loadstore, "vocabulary-map", "builtin")


def test_the_induction_head_searches_for_what_the_previous_token_head_moved(command: Run):
    code, text, _ = command("L0.H7", "L1.H4", "--kind", "key", "--top", "3")
    assert code == 0
    assert "itself among the 1 strongest, key of query: 99" in text
    document = json.loads(command("L0.H7", "L1.H4", "--kind", "key", "--top", "3", "--json")[1])
    assert document["schema"] == "loadstore/vocabulary-map@1"
    assert len(document["entries"]) == 3
    best = next(one for one in document["accuracy"] if one["direction"] == "key of query" and one["k"] == 1)
    assert best["accuracy"] > 0.99
    assert document["entries"][0]["row_text"] == document["entries"][0]["column_text"]


def test_induction_heads_copy_and_a_path_to_nowhere_does_not(command: Run):
    together = json.loads(command("L1.H4", "L1.H10", "--json")[1])
    assert together["accuracy"][0]["accuracy"] > 0.99
    assert together["eigenvalue_score"] > 0.99
    through = json.loads(command("L0.H7", "L1.H4", "--kind", "path", "--json")[1])
    assert through["kept"] < 0.1
    assert through["accuracy"][0]["accuracy"] < 0.1
    alone = json.loads(command("L1.H3", "--kind", "match", "--top", "1", "--json")[1])
    assert [one["direction"] for one in alone["accuracy"]] == [*["key of query"] * 2, *["query of key"] * 2]


def test_the_previous_token_head_looks_one_back_by_positions_alone(command: Run):
    code, text, _ = command("L0.H7", "--kind", "position")
    assert code == 0
    assert "by positions alone" in text
    first = json.loads(command("L0.H7", "--kind", "position", "--json")[1])["offsets"][0]
    assert first["offset"] == 1
    assert first["share"] > 0.99


@each(
    ("words", "told"),
    [
        (("--kind", "path"), "takes one head or more"),
        (("L0.H7", "--kind", "key"), "takes two heads"),
        (("L0.H7", "L1.H4", "--kind", "position"), "takes one head"),
        (("L1.H4", "L0.H7", "--kind", "path"), "no wire L1.H4 → L0.H7.V"),
        (("L9.H3",), "Nearest: L1.H3"),
        (("L0.H7", "--kind", "foo"), "expected 'sum'"),
        (("L0.H7", "--kind", "match", "--offset", "3"), "no rotary positions"),
        (("L0.H7", "--norms", "loose"), "expected 'fold' or 'ignore'"),
    ],
)
def test_what_is_no_circuit_is_told_in_one_sentence(command: Run, words: tuple[str, ...], told: str):
    code, out, err = command(*words)
    assert (code, out) == (2, "")
    assert told in err
    assert err.count("\n") == 1
