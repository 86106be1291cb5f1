"""The script of known answers finds the circuit in the shipped model, and the notebook says the same."""

import subprocess
import sys
from importlib import util
from pathlib import Path
from types import ModuleType

import pytest
import torch
from planted import planted

import loadstore as ls

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "examples" / "arena.py"


def _module() -> ModuleType:
    spec = util.spec_from_file_location("arena", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = util.module_from_spec(spec)
    sys.modules["arena"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def arena() -> ModuleType:
    return _module()


@pytest.fixture(scope="module")
def answers(arena: ModuleType) -> tuple[object, dict[str, object]]:
    found, lines = arena.known_answers(ls.load())
    return found, {line.question: line for line in lines}


def test_the_heads_are_the_articles(answers) -> None:
    found, _ = answers
    assert found.previous == "L0.H7"
    assert found.induction == ("L1.H4", "L1.H10")
    assert found.score("previous", "L0.H7") > 0.9
    assert min(found.score("induction", head) for head in found.induction) > 0.8


def test_the_circuits_copy_and_compose_far_above_chance(answers) -> None:
    _, lines = answers
    for head in ("L1.H4", "L1.H10"):
        assert lines[f"OV copying {head}, top-1 / top-5"].value > 0.5
        assert lines[f"K-composition L0.H7 → {head}, top-1"].value > 0.5  # chance is 1/4096
        assert lines[f"writer best aligned with {head}.K"].ours.startswith("L0.H7:")
    both = lines["OV copying L1.H4 + L1.H10, top-1 / top-5"].value
    assert both >= max(lines[f"OV copying {head}, top-1 / top-5"].value for head in ("L1.H4", "L1.H10"))


def test_what_is_lost_without_the_heads(answers) -> None:
    _, lines = answers
    lost = {
        h: lines[f"Δ loss, {h} ablated by zero / mean"].value for h in ("L1.H4", "L1.H10", "L1.H4 + L1.H10", "L0.H7")
    }
    assert all(value > 1 for value in lost.values())
    assert lost["L1.H4 + L1.H10"] > lost["L1.H4"] + lost["L1.H10"]  # each backs the other up
    assert lost["L0.H7"] > 5
    for head in ("L1.H4", "L1.H10"):
        assert lines[f"induction of {head}, L0.H7 → {head}.K cut"].value < 0.1


def test_the_table_has_every_line_beside_arenas(
    arena: ModuleType, answers, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found, lines = answers
    monkeypatch.setattr(arena, "known_answers", lambda model: (found, list(lines.values())))
    monkeypatch.setattr(sys, "argv", ["arena.py"])
    arena.main()
    printed = capsys.readouterr().out
    for line in lines.values():
        assert line.question in printed
        assert line.ours in printed
    for published in (
        "30.8 % / 47.7 %",
        "95.6 % / 98 %",
        ".520",
        ".552",
        "+2.44 / +2.96",
        "+9.13 / +9.23",
        ".68 → ≈ 0",
    ):
        assert published in printed


def test_another_model_is_walked_alike(arena: ModuleType) -> None:
    found, lines = arena.known_answers(planted())
    assert (found.previous, found.induction) == ("L0.H0", ("L1.H0",))
    values = {line.question: line.value for line in lines}
    assert values["K-composition L0.H0 → L1.H0, top-1"] == 1
    assert values["OV copying L1.H0, top-1 / top-5"] == 1
    assert values["induction of L1.H0, L0.H0 → L1.H0.K cut"] < 0.5


def test_one_layer_and_a_missing_file_end_in_a_sentence(arena: ModuleType) -> None:
    from dataclasses import replace

    model = planted()
    short = replace(model, layers=model.layers[:1], architecture=replace(model.architecture, n_layers=1))
    with pytest.raises(SystemExit, match="no circuit of two layers"), torch.no_grad():
        arena.find_heads(short)
    ended = subprocess.run([sys.executable, SCRIPT, "nowhere.pth"], capture_output=True, text=True, check=False)
    assert ended.returncode != 0
    assert ended.stderr.startswith("arena: there is no model 'nowhere.pth'")
    assert "Traceback" not in ended.stderr
