"""The script that compares rankings by MIB's areas: its numbers are those of patches by hand."""

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from solvable import solvable
from tiny import Kind, Sizes, tiny

import loadstore as ls
from loadstore.checkpoints.families.own import save_weights
from loadstore.circuits.live import live
from loadstore.model.weights import Weights

GPT2 = Kind("learned", "layer", True, "gelu", sizes=Sizes(n_layers=2, n_heads=2))
ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def model() -> Weights:
    return tiny(GPT2)


@pytest.fixture(scope="module")
def task(model: Weights, tmp_path_factory: pytest.TempPathFactory) -> ls.Task:
    return ls.task(model, str(solvable(model, tmp_path_factory.mktemp("mib") / "gifts.jsonl", 6)))


@pytest.fixture(scope="module")
def script() -> Any:
    spec = importlib.util.spec_from_file_location("mib_script", ROOT / "scripts" / "mib.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def patched(task: ls.Task, wires: set[tuple[str, str]]) -> np.ndarray:
    """The metric of each pair to judge with every other live wire patched from the counterfactual; norms are frozen."""
    pairs, model, values = task.judge, task.model, []
    network = live(model)
    for index in range(len(pairs)):
        one = pairs.rows([index])
        source = ls.run(model, one.counterfactual, record=True)
        every = [(network.writers[row], network.readers[column]) for row, column in network.exists.nonzero().tolist()]
        edits = [
            ls.patch(writer, source, reader=reader)
            for writer, reader in every
            if (str(writer), str(reader)) not in wires
        ]
        edits.append(ls.freeze("norms", ls.run(model, one.clean, record=True)))
        logits = ls.run(model, one.clean, edits).all_logits[:, -1]
        values.append(float(one.measure(logits, logits)))
    return np.array(values)


def test_the_numbers_of_the_script_are_those_of_patches_by_hand(script: Any, task: ls.Task) -> None:
    rankings = script.rankings(task, points=5)
    rows = script.compared(task, rankings, sizes=(2 / live(task.model).count, 1.0), norms="frozen")
    ranked = rankings["EAP-IG (inputs)"]
    every = list(zip(ranked.writer.values.tolist(), ranked.reader.values.tolist(), strict=True))
    nothing, whole = patched(task, set()), patched(task, set(every))

    def f(order: np.ndarray) -> float:
        values = patched(task, {every[place] for place in order[:2]})
        return float((values - nothing).mean() / (whole - nothing).mean())

    signed = ranked.signed.values
    expected = {
        ("EAP-IG (inputs)", "|signed mean|"): f(np.argsort(-abs(signed), kind="stable")),
        ("EAP-IG (inputs)", "signed mean"): f(np.argsort(-signed, kind="stable")),
        ("mask path", "mean of |a|"): f(np.argsort(-rankings["mask path"].attribution.values, kind="stable")),
    }
    assert set(expected) <= {(row.method, row.order) for row in rows}
    for row in rows:
        if (row.method, row.order) in expected:
            assert row.f[0] == pytest.approx(expected[row.method, row.order], rel=1e-9, abs=1e-12)
        assert row.f[1] == pytest.approx(1)


def test_the_script_prints_both_areas_beside_the_published_ones(
    script: Any, task: ls.Task, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_weights(task.model, tmp_path / "tiny.safetensors")
    solvable(task.model, tmp_path / "gifts.jsonl", 6)
    assert script.main([str(tmp_path / "tiny.safetensors"), str(tmp_path / "gifts.jsonl")]) == 0
    out = capsys.readouterr().out
    ranked = ls.attribute(task, method="eap-ig")
    cpr = ls.curve(ranked, task.judge, by="signed").attrs["cpr"]
    cmd = ls.curve(ranked.assign(attribution=abs(ranked.signed)), task.judge).attrs["cmd"]
    assert f"{cpr:.3f}" in out
    assert f"{cmd:.3f}" in out
    assert "1.85" in out
    assert "mask path" in out


def test_without_the_model_the_script_ends_with_a_sentence(
    script: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert script.main([str(tmp_path / "gpt2"), str(tmp_path / "ioi.jsonl")]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("mib.py: ")
    assert said.err.count("\n") == 1
