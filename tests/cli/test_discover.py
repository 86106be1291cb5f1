"""``loadstore discover`` prints what the Python calls give, and refuses before it writes."""

import json
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest
from cli.conftest import Run
from each import each
from solvable import solvable
from tiny import Kind, tiny

import loadstore as ls
from loadstore.checkpoints.families.own import save_weights
from loadstore.circuits.discovered import STEPS, AtLeast, How, discover, size_from
from loadstore.circuits.measured import measured
from loadstore.circuits.methods import Method
from loadstore.circuits.program import program
from loadstore.circuits.reads import Norms
from loadstore.circuits.replaced import Ablation
from loadstore.cli.discover import ABLATIONS, METHODS, NORMS
from loadstore.errors import BadRequest


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    """The words of the command for a small model and 16 pairs that it solves."""
    folder = tmp_path_factory.mktemp("solved")
    model, path = tiny(Kind("rotary", "rms", False, "gated", kv=2)), folder / "small.safetensors"
    save_weights(replace(model, name="small"), path)
    pairs = solvable(model, folder / "gifts.jsonl", 16)
    return ("discover", str(path), "--task", str(pairs), "--seed", "3")


@pytest.fixture(scope="module")
def task(words: tuple[str, ...]) -> ls.Task:
    return ls.task(ls.load(words[1]), words[3], seed=3)


def test_the_numbers_are_those_of_the_python_calls(
    loadstore: Run, words: tuple[str, ...], task: ls.Task, tmp_path: Path
) -> None:
    path = tmp_path / "circuit.json"
    code, out, _ = loadstore(*words, "-o", str(path), "--json")
    document = json.loads(out)
    assert code == 0
    assert document["schema"] == "loadstore/discover@1"
    ranked = ls.attribute(task)
    circuit = ls.circuit(ranked, "F>=.85", on=task.choose)
    assert [(wire["writer"], wire["reader"]) for wire in document["wires"]] == [
        (str(writer), str(reader)) for writer, reader in circuit.wires
    ]
    assert document["size"] == pytest.approx(circuit.size, rel=1e-4)
    assert (document["task"], document["model"], document["live"]) == ("gifts", task.model.name, circuit.live)
    assert document["model_digest"] == circuit.model_digest
    measures = ls.faithfulness(circuit, task.judge)
    for name, value in document["faithfulness"].items():
        assert value == pytest.approx(float(measures[name]), rel=1e-3)
    curve = ls.curve(ranked, task.choose)
    for name in ("cmd", "cpr", "small", "smallest"):
        assert document[name] == pytest.approx(curve.attrs[name], rel=1e-3)
    assert [row["wires"] for row in document["curve"]] == curve.wires.values.tolist()
    assert document["remainder"] == pytest.approx(ranked.attrs["remainder"], rel=1e-3, abs=1e-6)
    assert document["program"] == program(circuit, task.judge).splitlines()
    assert document["shown"]["wires"] == len(circuit)
    assert document["splits"] == {"find": 6, "choose": 2, "judge": 8}
    assert len(document["neglected"]) == 3
    assert ls.Circuit.load(path).wires == circuit.wires
    assert [file.name for file in tmp_path.iterdir()] == ["circuit.json"]


def test_a_person_reads_numbers_then_the_program(loadstore: Run, words: tuple[str, ...], task: ls.Task) -> None:
    code, out, _ = loadstore(*words, "--size", "8", "--by", "signed", "--method", "eap-ig")
    lines = out.splitlines()
    assert code == 0
    title = f"gifts in {task.model.name}"
    assert lines[0] == title
    names = ["size", "faithfulness", "error", "necessity", "remainder", "cmd", "cpr", "small", "smallest"]
    assert [line.split()[0] for line in lines[2:11]] == names
    assert "8 of 262 live wires" in lines[2]
    assert f"{title}: 8 of 262 wires (3.05%) by eap-ig; % of |attribution|" in lines
    assert any(line.startswith("shown: 8 of 8 wires, 100.0%") and "F of exactly these" in line for line in lines)
    assert lines[-4] == "neglected"


def test_every_size_is_read_and_anything_else_refused() -> None:
    assert size_from("F>=.85") == size_from(" F >= 0.85") == AtLeast(0.85) == AtLeast()
    assert (size_from(".01"), size_from("0.5"), size_from("1.0")) == (0.01, 0.5, 1.0)
    assert (size_from("1"), type(size_from("1"))) == (1, int)
    for text in ("", "F>.85", "F>=", "1e9", "-1", "ten", "nan", "F>=.85x"):
        with pytest.raises(BadRequest, match=r"expected a share such as \.01"):
            size_from(text)


def test_options_are_those_of_the_python_calls() -> None:
    assert tuple(METHODS) == get_args(Method)
    assert tuple(NORMS) == get_args(Norms)
    assert (*ABLATIONS, "zero") == get_args(Ablation)


def test_steps_say_how_much_of_the_work_is_done(task: ls.Task) -> None:
    said: list[tuple[str, float]] = []
    discover(task, How(size=9), lambda name, share: said.append((name, share)))
    assert list(dict.fromkeys(name for name, _ in said)) == list(STEPS)
    shares = [share for _, share in said]
    assert shares == sorted(shares)
    assert (shares[0], sum(STEPS.values())) == (0, pytest.approx(1))
    assert max(shares) <= 1


def test_ablation_and_norms_are_those_of_every_step(task: ls.Task) -> None:
    found = discover(task, How(size=12, ablation="mean", norms="frozen"))
    on = measured(task.judge, "mean", "frozen")
    expected = on.faithfulness(found.circuit.mask(task.model))
    assert float(found.measures.faithfulness) == pytest.approx(expected, rel=1e-6)
    assert found.shown_faithfulness == pytest.approx(expected, rel=1e-6)
    assert (found.circuit.ablation, found.circuit.norms) == ("mean", "frozen")


@each(
    ("words", "told"),
    [
        (("--task", "foo"), "there is no task 'foo'"),
        (("--task", "unsolved.jsonl"), "does not solve"),
        (("--task", "unequal.jsonl"), "a pair needs equally many"),
        (("--size", "F>=50"), "no size has F ≥ 50 on these 2 pairs"),
        (("--size", "530"), "the model has 529 live wires"),
        (("--size", "half"), "expected a share"),
        (("--method", "acdc"), "--method 'acdc': expected 'mask'"),
        (("--by", "size"), "--by 'size': expected 'paths', 'attribution', 'signed' or 'positive'"),
        (("--ablation", "zero"), "--ablation 'zero': expected 'counterfactual' or 'mean'"),
        (("--norms", "off"), "--norms 'off': expected 'free' or 'frozen'"),
        (("-o", "x.csv"), "expected a name that ends in .json"),
        (("-o", "none/x.json"), "cannot be written"),
        (("--task", "gender"), "gender gives 0 pairs"),
    ],
)
def test_a_wrong_request_is_refused_and_nothing_is_written(
    loadstore: Run, words: tuple[str, ...], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    lines = [{"clean": [0, n, 2], "counterfactual": [0, n, 3], "good": 4, "bad": 5} for n in (6, 7, 8)]
    Path("unsolved.jsonl").write_text("\n".join(map(json.dumps, lines)))
    Path("unequal.jsonl").write_text(json.dumps({**lines[0], "clean": [0, 1]}))
    before = sorted(tmp_path.iterdir())
    pairs = () if any(word.endswith(".jsonl") for word in words) else ("--pairs", "16")
    code, out, err = loadstore("discover", "builtin", *pairs, "-o", "circuit.json", *words)
    assert (code, out) == (2, "")
    assert told in err
    assert err.count("\n") == 1
    assert sorted(tmp_path.iterdir()) == before


def test_a_model_without_a_tokenizer_cannot_be_asked_in_words(loadstore: Run, tmp_path: Path) -> None:
    path = tmp_path / "tiny.safetensors"
    save_weights(tiny(Kind("learned", "layer", True, "gelu")), path)
    code, out, err = loadstore("discover", str(path), "--task", "ioi")
    assert (code, out) == (2, "")
    assert "has no tokenizer" in err
