"""``loadstore tasks`` shows what the Python calls give, lists what cannot be asked, and writes pairs."""

import json
from pathlib import Path

import pytest
from cli.conftest import Run
from each import each

import loadstore as ls
from loadstore.circuits.solved import solved
from loadstore.circuits.tasks.table import TASKS

WORDS = ("--pairs", "8", "--seed", "3")


def test_the_numbers_are_those_of_the_python_calls(loadstore: Run) -> None:
    code, out, _ = loadstore("tasks", "builtin", "--task", "induction", "--task", "docstring", *WORDS, "--json")
    document = json.loads(out)
    assert code == 0
    assert document["schema"] == "loadstore/tasks@1"
    assert (document["model"], document["seed"]) == ("builtin", 3)
    assert [row["task"] for row in document["tasks"]] == ["induction", "docstring"]
    for row in document["tasks"]:
        task = ls.task(ls.load("builtin"), row["task"], pairs=8, seed=3)
        each = solved(task)
        assert (row["find"], row["choose"], row["judge"]) == (3, 1, 4)
        assert row["clean"] == pytest.approx(each.clean, rel=1e-4)
        assert row["counterfactual"] == pytest.approx(each.counterfactual, rel=1e-4)
        assert (row["share"], row["solved"], row["reason"]) == (each.share, each.solved, None)
        example = next(one for one in task.examples if one.split == "judge")
        assert row["example"]["good"] == list(example.good)
        assert row["example"]["clean"] in (example.clean, list(example.clean))


def test_a_person_reads_a_table_and_an_example_of_each(loadstore: Run) -> None:
    code, out, _ = loadstore("tasks", "builtin", "--task", "induction", "--task", "gender", *WORDS)
    assert code == 0
    lines = out.splitlines()
    assert lines[0] == "builtin solves 1 of 2 tasks"
    assert lines[1].split() == ["task", "metric", "pairs", "m(clean)", "m(counterfactual)", "share", "solved"]
    assert lines[2].split()[:4] == ["induction", "logit", "difference", "4"]
    assert lines[2].split()[-1] == "yes"
    assert "  clean           (0, " in out
    assert "gender: not asked: gender gives 0 pairs of 8 under the tokenizer of builtin" in out


def test_every_task_is_listed_once_also_where_the_tokenizer_cannot_express_it(loadstore: Run) -> None:
    rows = json.loads(loadstore("tasks", *WORDS, "--json")[1])["tasks"]
    assert [row["task"] for row in rows] == list(TASKS)
    refused = [row for row in rows if row["reason"]]
    assert {"gender", "capital"} <= {row["task"] for row in refused}
    assert all(row["solved"] is None and row["reason"].startswith(row["task"]) for row in refused)
    assert all(row["about"] for row in rows)


def test_pairs_are_written_and_read_back(loadstore: Run, tmp_path: Path) -> None:
    path = tmp_path / "pairs.jsonl"
    words = ("--task", "docstring", *WORDS, "--json")
    first = json.loads(loadstore("tasks", "builtin", *words, "-o", str(path))[1])["tasks"]
    again = json.loads(loadstore("tasks", "builtin", "--task", str(path), "--json")[1])["tasks"]
    assert [name.name for name in tmp_path.iterdir()] == ["pairs.jsonl"]
    assert len(path.read_text().splitlines()) == 9
    assert {**again[0], "about": ""} == {**first[0], "about": ""}


@each(
    ("words", "told"),
    [
        (("--task", "foo"), "there is no task 'foo'; tasks are ioi, greater_than"),
        (("--task", "none.jsonl"), "none.jsonl is not a file"),
        (("--task", "ioi", "--task", "gender", "-o", "x.jsonl"), "writes the pairs of one task"),
        (("-o", "x.jsonl"), "writes the pairs of one task"),
        (("--task", "induction", "-o", "x.csv"), "expected a name that ends in .jsonl"),
        (("--task", "induction", "-o", "none/x.jsonl"), "cannot be written"),
        (("--task", "gender", "-o", "x.jsonl"), "gender gives 0 pairs of 64"),
    ],
)
def test_a_wrong_request_is_refused_and_nothing_is_written(
    loadstore: Run, words: tuple[str, ...], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = loadstore("tasks", "builtin", *words)
    assert (code, out) == (2, "")
    assert told in err
    assert err.count("\n") == 1
    assert not list(tmp_path.iterdir())
