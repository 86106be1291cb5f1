"""A circuit as a value: saved and read back, cut to a size, and refused where it cannot be one."""

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from circuits.planted import Planted, planted, wire
from each import each
from hostile import refusal, unchecked
from tiny import Kind, tiny

import loadstore as ls
from loadstore.errors import BadCheckpoint, BadRequest, NoSuchSite, NoSuchWire, NotThisModel
from loadstore.sites import UNEMBED, Writer


@pytest.fixture(scope="module")
def case() -> Planted:
    return planted()


def test_a_circuit_is_read_back_as_it_was_saved(case: Planted, tmp_path: Path) -> None:
    found = ls.circuit(ls.attribute(case.task), 7)
    found.save(tmp_path / "circuit.json")
    back = ls.Circuit.load(tmp_path / "circuit.json")
    assert back.wires == found.wires
    assert back.attributions == pytest.approx(found.attributions)
    assert back.document() == found.document()
    assert str(back) == str(found)
    assert (found.by, back.by) == ("paths", "paths")
    older = {key: value for key, value in found.document().items() if key != "by"}
    (tmp_path / "older.json").write_text(json.dumps(older))
    assert ls.Circuit.load(tmp_path / "older.json").by == "attribution"
    case.circuit().save(tmp_path / "planted.json")
    assert all(math.isnan(value) for value in ls.Circuit.load(tmp_path / "planted.json").attributions)


def test_sizes_are_shares_counts_or_a_faithfulness(case: Planted) -> None:
    ranked = ls.attribute(case.task)
    every = ranked.sizes["wire"]
    assert len(ls.circuit(ranked, 1.0)) == every
    assert len(ls.circuit(ranked, 1)) == 1
    assert len(ls.circuit(ranked, 0.1)) == round(0.1 * every)
    assert len(ls.circuit(ranked, "F>=.999", on=case.task.choose)) == len(case.wires)
    for size, told in ((0, "expected a share"), (1.5, "at most 1.0"), (every + 1, "live wires"), ("F>1", "expected")):
        refusal(lambda size=size: ls.circuit(ranked, size, on=case.task.choose), BadRequest, told)
    refusal(lambda: ls.circuit(ranked, "F>=.9"), BadRequest, "give on=task.choose")
    refusal(lambda: ls.circuit(ranked, "F>=2", on=case.task.choose), BadRequest, "no size has F ≥ 2 on these 3 pairs")


def test_a_circuit_of_another_model_and_a_dead_wire_are_refused(case: Planted) -> None:
    other = tiny(Kind("learned", "none", False))
    refusal(lambda: case.circuit().mask(other), NotThisModel, "other weights")
    refusal(lambda: ls.curve(ls.subspace_scores(other), case.task.judge), BadRequest, "that ls.attribute returned")
    dead = case.of((wire("L1.H0 -> L1.H2.K"),))
    refusal(lambda: ls.faithfulness(dead, case.task.judge), NoSuchWire, "is not a live wire")
    biases = case.of(((Writer("bias", 0), UNEMBED),))
    refusal(lambda: ls.faithfulness(biases, case.task.judge), NoSuchWire, "is not a live wire")


@each(
    ("changed", "error", "told"),
    [
        ({"schema": "loadstore/circuit@2"}, BadRequest, "is not a circuit"),
        ({"wires": []}, BadRequest, "is not a circuit"),
        ({"wires": [3]}, BadRequest, "a wire is an object"),
        ({"wires": [{"writer": "L1", "reader": "unembed"}]}, NoSuchSite, "is not a writer"),
        ({"wires": 2 * [{"writer": "embed", "reader": "unembed"}]}, BadRequest, "has a wire twice"),
        ({"live": 0}, BadRequest, "is not a circuit"),
        ({"live": True}, BadRequest, "is not a circuit"),
        ({"task": None}, BadRequest, "is not a circuit"),
    ],
)
def test_a_file_that_is_not_a_circuit_is_refused(
    case: Planted, tmp_path: Path, changed: dict[str, Any], error: type[Exception], told: str
) -> None:
    path = tmp_path / "circuit.json"
    path.write_text(json.dumps({**case.circuit().document(), **changed}))
    refusal(lambda: ls.Circuit.load(path), error, told)


def test_a_torn_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "torn.json").write_text("{")
    refusal(lambda: ls.Circuit.load(tmp_path / "torn.json"), BadCheckpoint, "is not JSON")


def test_values_that_are_not_a_circuit_are_refused(case: Planted) -> None:
    found = case.circuit()
    wires = found.wires
    for changed, told in (
        ({"task": 3}, "are texts"),
        ({"wires": "abc"}, "expected pairs of a writer and a reader"),
        ({"wires": (("embed", "unembed"),)}, "expected pairs of a writer and a reader"),
        ({"attributions": (1.0,)}, f"expected {len(wires)} numbers"),
        ({"attributions": ("a",) * len(wires)}, "expected numbers"),
        ({"by": "weight"}, "expected one of paths, attribution, signed, positive"),
        ({"by": ["paths"]}, "expected one of paths, attribution, signed, positive"),
        ({"live": len(wires) - 1}, f"expected a whole number from {len(wires)}"),
        ({"wires": (wires[0], *wires[:-1])}, "a wire occurs twice"),
    ):
        with unchecked():
            refusal(lambda changed=changed: replace(found, **changed), BadRequest, told)
    assert len(found.without(wires[:2])) == len(wires) - 2
    assert len(found.without(wires)) == 0
    assert str(found.without(wires)).endswith("shown: 0 of 0 wires")
