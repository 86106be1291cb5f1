"""Every command's machine output keeps its contract and equals the Python API."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from each import each

import loadstore as ls
from loadstore.cli import main

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    def command(*words: str) -> str:
        monkeypatch.setattr(sys, "argv", ["loadstore", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 0
        return capsys.readouterr().out

    return command


def test_scores_are_those_of_the_api(run):
    document = json.loads(run("scores", "builtin", "--reader", "L1.H4.*", "--json"))
    assert document["schema"] == "loadstore/scores@1"
    assert {"model", "definition", "norms", "control"} <= set(document)
    table = ls.subspace_scores(ls.load("builtin"), readers="L1.H4.*")
    assert len(document["wires"]) == 14 + 14 + 13
    for wire in document["wires"]:
        for name in ("score", "chance", "z", "p", "q", "ceiling", "alignment"):
            expected = float(table[name].sel(writer=wire["writer"], reader=wire["reader"]))
            assert wire[name] == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize("null", ["heads", "stream"])
def test_so_they_are_under_another_null(run, null: str, tmp_path: Path):
    text = tmp_path / "text.txt"
    text.write_text("the cat sat on the mat. the dog sat on the log. " * 8)
    words = ["scores", "builtin", "--reader", "L1.H4.K", "--null", null, "--corpus", str(text)]
    document = json.loads(run(*words, "--json"))
    model = ls.load("builtin")
    stream = ls.statistics.stream_moments(model, str(text)) if null == "stream" else None
    table = ls.subspace_scores(model, readers="L1.H4.K", null=null, stream=stream)
    assert document["null"] == null
    for wire in document["wires"]:
        for name in ("z", "q", "alignment", *(["p_heads"] if null == "heads" else [])):
            expected = float(table[name].sel(writer=wire["writer"], reader=wire["reader"]))
            assert (np.nan if wire[name] is None else wire[name]) == pytest.approx(expected, nan_ok=True), name
    told = run(*words)
    assert f"null: {null}" in told
    assert ("p_heads" in told) == (null == "heads")


@each(
    ("words", "told"),
    [
        ("--writer L5.H1", "no writer L5.H1"),
        ("--reader L7.*", "nothing matches"),
        ("--where L0.H1->L7.*", "nothing matches"),
        ("--offset 3", "no rotary positions"),
        ("--norms ignore", "norms='fold'"),
        ("--frequencies nowhere", "nowhere"),
    ],
)
def test_a_wrong_request_is_refused_before_the_corpus_is_measured(
    loadstore: Run, monkeypatch: pytest.MonkeyPatch, words: str, told: str
):
    measured: list[str] = []
    monkeypatch.setattr("loadstore.wire_traffic.stream.stream_moments", lambda *_, **__: measured.append("measured"))
    code, out, error = loadstore("scores", "builtin", "--null", "stream", *words.split())
    assert (code, out, measured) == (2, "", [])
    assert told in error


def test_heads_are_those_of_the_api(run):
    document = json.loads(run("heads", "builtin", "--sequences", "2", "--json"))
    assert document["schema"] == "loadstore/heads@1"
    roles = ls.head_roles(ls.load("builtin"), sequences=2)
    assert [row["head"] for row in document["heads"]] == list(roles["head"].values)
    for row in document["heads"]:
        for role in ("previous", "current", "first", "duplicate", "induction"):
            assert row[role] == pytest.approx(float(roles[role].sel(head=row["head"])), rel=1e-5)


def test_spectrum_is_that_of_the_api(run):
    document = json.loads(run("spectrum", "builtin", "pos", "--json"))
    assert document["schema"] == "loadstore/spectrum@1"
    assert document["eigenvalue"] == pytest.approx(ls.spectrum(ls.load("builtin"), "pos")["eigenvalue"].values.tolist())


@pytest.mark.parametrize("suffix", ["csv", "nc"])
def test_scores_are_written_whole(run, tmp_path: Path, suffix: str):
    path = tmp_path / f"scores.{suffix}"
    run("scores", "builtin", "--writer", "embed", "--reader", "L0.*.V", "-o", str(path))
    assert path.stat().st_size > 100
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    if suffix == "csv":
        assert len(path.read_text().splitlines()) == 1 + 12


def test_tables_and_lists_are_for_people(run):
    assert "L0.H7" in run("heads", "builtin", "--sequences", "2")
    assert "best aligned first" in run("scores", "builtin", "--top", "3")
    assert "participation ratio" in run("spectrum", "builtin")
    assert "HookedTransformer" in run("models")
    assert "shortformer" in run("models", "builtin")
    assert "Measured on the file" in run("models", "--card")
    assert json.loads(run("models", "builtin", "--json"))["positions"] == "shortformer"


def test_heads_are_named(run):
    table = ls.head_roles(ls.load("builtin"))
    strong = table.induction.to_series().loc[lambda score: score > 0.5].sort_values(ascending=False)
    assert len(strong) >= 2
    line = next(line for line in run("heads", "builtin").splitlines() if line.strip().startswith("induction:"))
    assert line.split(":")[1].split(", ") == [f"{' ' * (i == 0)}{n} {s:.2f}" for i, (n, s) in enumerate(strong.items())]
    document = json.loads(run("heads", "builtin", "--json"))
    assert document["named"]["induction"] == list(strong.index)
