"""``loadstore prove`` prints what ``ls.prove`` gives, goes on from a file, and refuses before it works."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from cli.conftest import Run
from solvable import solvable
from tiny import Kind, tiny

import loadstore as ls
from loadstore.checkpoints.families.own import save_weights
from loadstore.circuits.solved import solved

FEW = ("--controls", "3", "--sampled", "4", "--null", "5")


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A small model, its pairs, and a circuit of them."""
    folder = tmp_path_factory.mktemp("proved")
    model, path = replace(tiny(Kind("rotary", "rms", False, "gated", kv=2)), name="small"), folder / "small.safetensors"
    save_weights(model, path)
    pairs = solvable(model, folder / "gifts.jsonl", 16)
    task = ls.task(model, pairs)
    assert solved(task).solved
    circuit = ls.circuit(ls.attribute(task), 12)
    circuit.save(folder / "circuit.json")
    return {"model": path, "task": pairs, "circuit": folder / "circuit.json"}


@pytest.fixture
def words(found: dict[str, Path]) -> tuple[str, ...]:
    return ("prove", str(found["circuit"]), "--model", str(found["model"]), "--task", str(found["task"]), *FEW)


def test_the_numbers_are_those_of_the_python_call(
    loadstore: Run, words: tuple[str, ...], found: dict[str, Path], tmp_path: Path
) -> None:
    path = tmp_path / "kept.jsonl"
    code, out, _ = loadstore(*words, "--resume", str(path), "--other", str(found["circuit"]), "--json")
    assert code == 0
    document = json.loads(out)
    assert document["schema"] == "loadstore/prove@1"
    task, circuit = ls.task(ls.load(found["model"]), found["task"]), ls.Circuit.load(found["circuit"])
    proof = ls.prove(circuit, task.judge, controls=3, sampled=4, null=5, find=task.find, others=[circuit])
    assert document["proof"]["sufficiency"]["value"] == pytest.approx(proof.sufficiency.value, rel=1e-4)
    assert document["proof"]["necessity"]["controls"] == pytest.approx(list(proof.necessity.controls), rel=1e-4)
    assert document["proof"]["specificity"][0]["jaccard"] == 1
    assert document["faithfulness"]["faithfulness"] == document["proof"]["sufficiency"]["value"]
    assert document["faithfulness"]["necessity"] == pytest.approx(1 - proof.necessity.value, rel=1e-4)
    assert len(document["wires"]) == 12
    assert {"task", "model_digest", "size", "pairs", "definition", "text"} <= set(document)
    again = loadstore(*words, "--resume", str(path), "--other", str(found["circuit"]))
    assert again[0] == 0
    first = again[1].splitlines()
    assert [line.split()[0] for line in first[1:7]] == [
        *("sufficiency", "necessity", "completeness", "minimality", "stability", "specificity")
    ]
    assert "Positions are not distinguished" in again[1]


def test_a_discovered_circuit_is_proved_on_the_pairs_of_its_own_task(loadstore: Run, tmp_path: Path) -> None:
    path = tmp_path / "circuit.json"
    words = ("--task", "induction", "--pairs", "16", "--seed", "5", "--size", "20", "-o", str(path))
    assert loadstore("discover", "builtin", *words)[0] == 0
    code, out, err = loadstore("prove", str(path), *FEW, "--json")
    assert code == 0, err
    task = ls.task(ls.load("builtin"), "induction", pairs=16, seed=5)
    expected = ls.faithfulness(ls.Circuit.load(path), task.judge)
    found = json.loads(out)["faithfulness"]
    assert found["faithfulness"] == pytest.approx(float(expected.faithfulness), rel=1e-4)
    assert found["necessity"] == pytest.approx(float(expected.necessity), rel=1e-4)


def test_what_does_not_fit_is_refused_in_one_sentence(
    loadstore: Run, words: tuple[str, ...], found: dict[str, Path], tmp_path: Path
) -> None:
    other = tmp_path / "other.safetensors"
    save_weights(replace(tiny(Kind("rotary", "rms", False, "gated", kv=2), seed=1), name="small"), other)
    torn = tmp_path / "torn.json"
    torn.write_text("{")
    kept = tmp_path / "kept.jsonl"
    kept.write_text("something else\n")
    absent = str(tmp_path / "absent.json")
    for changed, message in [
        ((*words, "--model", str(other)), "has other weights"),
        (("prove", str(torn)), "is not JSON"),
        (("prove", absent), "absent.json"),
        ((*words, "--other", str(torn)), "is not JSON"),
        ((*words, "--resume", str(kept)), "another proof"),
        (("prove", str(found["circuit"]), "--model", str(found["model"]), "--task", "gifts"), "there is no task"),
    ]:
        code, out, err = loadstore(*changed)
        assert (code, out) == (2, ""), changed
        assert message in err, changed
        assert "Traceback" not in err
    assert kept.read_text() == "something else\n"
