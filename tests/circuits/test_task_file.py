"""Tasks as JSON lines: what is written is read back, and what is wrong is refused with its line."""

import json
from pathlib import Path
from typing import Any

import pytest
from each import each
from hostile import refusal, small
from speaking import speaking

import loadstore as ls
from loadstore.circuits import task_file
from loadstore.circuits.task_file import read_task, save_task
from loadstore.circuits.tasks.table import TASKS
from loadstore.errors import BadPrompt, BadRequest, LoadstoreError, Undefined

NAMES = ["cat", "dog", "mat", "log"]
LINES: list[dict[str, Any]] = [
    {"clean": f"the {name} sat", "counterfactual": f"on {name} sat", "good": "cat", "bad": ["dog", 5]} for name in NAMES
]


def write(path: Path, lines: list[Any], head: object = None) -> Path:
    texts = [line if isinstance(line, str) else json.dumps(line) for line in ([head] if head else []) + lines]
    path.write_text("\n".join(texts), encoding="utf-8")
    return path


@each("name", list(TASKS))
def test_a_generated_task_is_read_back_whole(name: str, tmp_path: Path) -> None:
    model, path = speaking(), tmp_path / "pairs.jsonl"
    task = ls.task(model, name, pairs=8)
    save_task(task, path)
    again = ls.task(model, str(path))
    assert again.name == name
    assert again.metric == task.metric
    for one, other in zip(again.examples, task.examples, strict=True):
        assert one == other
    for one, other in ((again.find, task.find), (again.choose, task.choose), (again.judge, task.judge)):
        assert one.clean.equal(other.clean)
        assert one.counterfactual.equal(other.counterfactual)
        assert one.metric == other.metric
        assert (one.ends, one.templates, one.places) == (other.ends, other.templates, other.places)
    save_task(again, tmp_path / "again.jsonl")
    assert (tmp_path / "again.jsonl").read_bytes() == path.read_bytes()


def test_a_task_from_python_keeps_targets_for_all_and_log_probabilities(tmp_path: Path) -> None:
    texts, others = ([f"{word} {name} sat" for name in NAMES] for word in ("the", "on"))
    metrics = {"one": ls.logit_difference("cat", "dog"), "each": ls.metrics.log_probability(["cat", "dog", 4, 5])}
    for name, metric in metrics.items():
        task = ls.Task(small(), texts, others, metric)
        save_task(task, tmp_path / f"{name}.jsonl")
        again = read_task(small(), tmp_path / f"{name}.jsonl")
        assert [e.good for e in again.examples] == [e.good for e in task.examples]
        assert type(again.metric) is type(metric)
        assert again.splits == task.splits


def test_a_file_needs_no_head_and_no_splits(tmp_path: Path) -> None:
    path = write(tmp_path / "mine.jsonl", [*LINES, "", "  "])
    task = ls.task(small(), path, seed=2)
    assert (task.name, task.seed) == ("mine", 2)
    assert (len(task.find), len(task.choose), len(task.judge)) == (1, 1, 2)
    assert task.splits == ls.task(small(), path, seed=2).splits
    assert task.examples[0].bad == ("dog", 5)


def changed(line: int, **values: Any) -> list[dict[str, Any]]:
    lines = [dict(each) for each in LINES]
    lines[line] = {key: value for key, value in {**lines[line], **values}.items() if value is not ...}
    return lines


@each(
    ("lines", "head", "kind", "words"),
    [
        ([], None, BadRequest, ["has no pairs"]),
        ([], {"task": "x"}, BadRequest, ["has no pairs"]),
        (LINES[:2], None, BadRequest, ["at least one pair to find"]),
        ([*LINES, "{"], None, BadRequest, ["line 5 is not JSON"]),
        ([*LINES, "[1]"], None, BadRequest, ["line 5 is a list, expected an object"]),
        ([*LINES, '{"clean": "a", "clean": "b"}'], None, BadRequest, ["line 5 has 'clean' twice"]),
        ([*LINES, "[" * 100_000], None, BadRequest, ["line 5 is not JSON"]),
        (changed(1, clean=...), None, BadRequest, ["line 2 has no 'clean'"]),
        (changed(2, bad=...), None, BadRequest, ["line 3 has no 'bad'"]),
        (changed(3, extra=1), None, BadRequest, ["line 4 has the unknown key 'extra'; known are clean"]),
        (changed(0, clean=3), None, BadRequest, ["line 1: 'clean' is a text or a list of token ids"]),
        (changed(0, clean=[True, 2]), None, BadRequest, ["line 1: 'clean' is a text"]),
        (changed(0, good=[]), None, BadRequest, ["line 1: 'good' is a token"]),
        (changed(0, good=None), None, BadRequest, ["line 1: 'good' is a token"]),
        (changed(0, good=1.5), None, BadRequest, ["line 1: 'good' is a token"]),
        (changed(0, good=99), None, BadRequest, ["line 1: a target is a token id from 0 to 16"]),
        (changed(0, good="the cat"), None, BadPrompt, ["line 1: 'the cat' is 2 tokens"]),
        (changed(0, good="dog"), None, BadRequest, ["line 1: token 6 is among the good and the bad targets"]),
        (changed(1, split=3), None, BadRequest, ["line 2: 'split' is a text"]),
        (changed(1, fillers="cat"), None, BadRequest, ["line 2: 'fillers' is a list of texts"]),
        (changed(1, split="find"), None, BadRequest, ["pair 0 has the split ''", "for every pair or for none"]),
        (changed(1, counterfactual="the cat sat on"), None, BadPrompt, ["line 2: the clean prompt has 4 tokens", "5"]),
        (changed(1, counterfactual="the dog sat"), None, BadRequest, ["line 2: the clean and the counterfactual"]),
        (changed(1, clean=""), None, BadPrompt, ["line 2: the prompt is empty"]),
        (changed(1, clean="cat " * 20), None, BadPrompt, ["line 2: the prompt has 21 tokens"]),
        (changed(1, places=["a"]), None, BadRequest, ["pair 1 has 4 tokens and names for 1 places"]),
        (LINES, {"task": ""}, BadRequest, ["line 1: 'task' is a name"]),
        (LINES, {"task": 3}, BadRequest, ["line 1: 'task' is a name"]),
        (LINES, {"metric": "loss"}, BadRequest, ["line 1: 'metric' is one of logit_difference"]),
        (LINES, {"metric": ["loss"]}, BadRequest, ["line 1: 'metric' is one of logit_difference"]),
        (LINES, {"metric": "log_probability"}, BadRequest, ["line 2: a log_probability has no 'bad' targets"]),
        (LINES, {"colour": "red"}, BadRequest, ["line 1 has the unknown key 'colour'; known are task, metric"]),
    ],
)
def test_a_file_that_is_wrong_is_refused_with_its_line(
    lines: list[Any], head: object, kind: type[LoadstoreError], words: list[str], tmp_path: Path
) -> None:
    path = write(tmp_path / "pairs.jsonl", lines, head)
    message = refusal(lambda: ls.task(small(), path), kind, *words)
    assert path.name in message


def test_fillers_that_two_splits_share_are_refused(tmp_path: Path) -> None:
    splits = ["find", "choose", "judge", "judge"]
    lines = [
        {**line, "split": split, "fillers": [word]} for line, split, word in zip(LINES, splits, "aaba", strict=True)
    ]
    path = write(tmp_path / "pairs.jsonl", lines)
    refusal(lambda: ls.task(small(), path), BadRequest, "fillers shared between splits: the filler 'a' of pair 1")


def test_sizes_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "pairs.jsonl", LINES)
    longest = max(map(len, path.read_bytes().splitlines(keepends=True)))
    for name, least, words in (
        ("MOST_BYTES", path.stat().st_size, "bytes, expected at most"),
        ("MOST_LINE", longest, "is longer than"),
        ("MOST_PAIRS", 3, "more than 2 pairs"),
    ):
        monkeypatch.setattr(task_file, name, least)
        assert len(read_task(small(), path).examples) == 4
        monkeypatch.setattr(task_file, name, least - 1)
        refusal(lambda: read_task(small(), path), BadRequest, words)
        monkeypatch.undo()


def test_a_file_that_cannot_be_read_or_written_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none.jsonl", tmp_path, Path("/dev/zero")):
        refusal(lambda path=path: ls.task(small(), path), BadRequest, "is not a file")
    (tmp_path / "bytes.jsonl").write_bytes(b'{"clean": "\xff"}\n')
    refusal(lambda: ls.task(small(), tmp_path / "bytes.jsonl"), BadRequest, "line 1 is not UTF-8")
    refusal(lambda: ls.task(small(), "\0.jsonl"), BadRequest, ".jsonl")
    source = write(tmp_path / "pairs.jsonl", LINES)
    task = ls.task(small(), source)
    refusal(lambda: save_task(task, source), BadRequest, "a file that this run reads")
    refusal(lambda: save_task(task, tmp_path / "none" / "x.jsonl"), BadRequest, "cannot be written")
    bare = ls.load("builtin", bos=False)
    bare = type(bare)(**{**vars(bare), "tokens": None})
    refusal(lambda: ls.task(bare, source), Undefined, "line 1", "no tokenizer")
