"""Figures of a task's circuit: every sentence and dot is a number of what was measured."""

import json
from dataclasses import replace

import numpy as np
import pytest
from circuits.planted import Planted, planted
from each import each

import loadstore as ls
from loadstore.circuits.band import random_band
from loadstore.circuits.measured import measured
from loadstore.circuits.proof import Proof
from loadstore.decomposition.short import short
from loadstore.errors import BadRequest
from loadstore.figures.circuits.found import attribution_figure, task_figure
from loadstore.figures.circuits.measured import curve_figure, proof_figure
from loadstore.views.base import plain

SIZES = (0.02, 0.1, 1.0)


@pytest.fixture(scope="module")
def case() -> Planted:
    return planted()


@pytest.fixture(scope="module")
def proof(case: Planted) -> Proof:
    return ls.prove(case.circuit(), case.task.judge, controls=5, sampled=5, null=20)


def test_the_proof_has_its_dots_and_its_numbers(proof: Proof) -> None:
    found = proof_figure(proof)
    whole, lacking, needed = found.views
    first = whole.rows[0]
    assert first.value == pytest.approx(proof.sufficiency.value)
    assert first.others == pytest.approx(proof.sufficiency.controls)
    assert whole.low < min(first.others) and whole.high > 1  # noqa: PT018
    assert len(lacking.rows) == min(16, len(proof.completeness.sites))
    assert [row.value for row in needed.rows] == sorted((row.value for row in needed.rows), reverse=True)
    assert (
        f"carry F {short(proof.sufficiency.value)}, and all other wires {short(proof.necessity.value)}" in found.claim
    )
    assert "above the best of 5 random circuits" in found.claim
    json.dumps(plain(found), allow_nan=False)


@each(("gap", "said"), [(1e-9, "that is above"), (0.0, "not above"), (-0.1, "not above")])
def test_a_circuit_that_is_no_better_than_a_control_is_not_said_to_be(proof: Proof, gap: float, said: str) -> None:
    other = replace(proof, sufficiency=replace(proof.sufficiency, gap=gap))
    assert f"{said} the best" in proof_figure(other).claim.replace("that is not", "not")


def test_the_curve_says_from_where_on_random_circuits_do_as_well(case: Planted) -> None:
    ranked = ls.attribute(case.task)
    curve = ls.curve(ranked, case.task.judge, sizes=SIZES)
    band = random_band(ranked, measured(case.task.judge), SIZES, controls=2)
    assert band.shape == (3, 2)
    assert band[2] == pytest.approx(1)  # all wires are drawn
    claim = curve_figure(curve, band).claim
    assert f"smallest measured size with F of at least {short(0.85)}" in claim
    assert "reaches it at 100 %" in claim
    assert "None of 2 random circuits" in curve_figure(curve, np.zeros((3, 2))).claim
    assert "No measured size reaches" in curve_figure(curve.assign_attrs(smallest=float("nan"))).claim
    with pytest.raises(BadRequest, match="controls=0"):
        random_band(ranked, measured(case.task.judge), SIZES, controls=0)


def test_attributions_are_sorted_and_tasks_have_their_texts(case: Planted) -> None:
    ranked = ls.attribute(case.task)
    found = attribution_figure(ranked)
    values = [float(row.text.rpartition(" ")[2].replace("−", "-")) for row in found.views[0].rows]
    assert values == sorted(values, reverse=True)
    strongest = ranked.isel(wire=int(ranked.attribution.values.argmax()))
    assert found.views[0].rows[0].label == f"{strongest.writer.item()} → {strongest.reader.item()}"
    table = task_figure(case.task)
    assert len(table.views[0].rows) == 6
    assert f"{len(case.task.find)} to find" in table.claim


def test_every_result_of_a_task_is_shown(case: Planted, proof: Proof) -> None:
    ranked = ls.attribute(case.task)
    results = [case.task, ranked, ls.curve(ranked, case.task.judge, sizes=SIZES), case.circuit(), proof]
    kinds = [[view["schema"].split("/")[1] for view in _views(ls.show(result).document)] for result in results]
    assert kinds == [["table@1"], ["bars@1"], ["lines@1"], ["program@1"], ["dots@1"] * 3]


def _views(document: dict) -> list[dict]:
    return [view for section in document["sections"] for figure in section["figures"] for view in figure["views"]]
