"""SmolLM2 on the sentence of Mary and John: every figure that explains a prediction explains ␣Mary."""

import json
import re
import time
from typing import Any

import pytest
from pace import slowness

import loadstore as ls
from loadstore.decomposition.question import main_head, question
from loadstore.report.page import report_document

pytestmark = pytest.mark.alone

SENTENCE = "When Mary and John went to the store, John gave a drink to"
SECONDS = 90  # of the processor; in wall time on an idle machine 60, on two threads less
EXPLAIN = ("Prediction", "Program", "Three addresses", "Evidence")


@pytest.fixture(scope="module")
def made() -> tuple[dict[str, Any], float, list[tuple[str, int, int, float]]]:
    """The page, the processor seconds that it took, and its progress."""
    told: list[tuple[str, int, int, float]] = []
    wall, used = time.perf_counter(), time.process_time()
    document = report_document(ls.load("smollm2"), SENTENCE, progress=lambda *now: told.append(now))
    wall, used = time.perf_counter() - wall, time.process_time() - used
    print(f"report on SmolLM2: {wall:.1f} s, of the processor {used:.1f} s")
    return document, min(wall, used), told


def figures(document: dict[str, Any]) -> dict[str, Any]:
    return {figure["number"]: figure for part in document["sections"] for figure in part["figures"]}


def test_every_figure_that_explains_a_prediction_explains_mary(made: Any) -> None:
    document, found = made[0], figures(made[0])
    assert document["lead"].startswith("After ␣to·13 the model predicts ␣Mary (.92).")
    for name in EXPLAIN:
        assert "␣Mary" in found[name]["title"] + found[name]["claim"], name
        assert "␣to·13" in found[name]["title"] + found[name]["claim"], name
    trace = ls.run(ls.load("smollm2"), SENTENCE, record=True)
    head = str(main_head(trace, question(trace)))
    for name in ("Three addresses", "Formulas", "Evidence", "8", "3"):
        assert head in found[name]["claim"], name
    assert found["H1"]["title"] == f"Where {head} looks"
    assert "bought" not in json.dumps(document["lead"]) + "".join(one["claim"] for one in found.values())


def test_no_empty_proof(made: Any) -> None:
    document = made[0]
    for name, figure in figures(document).items():
        assert figure["views"], name
        for before, after in re.findall(r"(\.\d\d) → (\.\d\d)", figure["claim"]):
            assert before != after, name
        assert not re.search(r"weight \.00 .*\(\.00 ", figure["claim"]), name
        for view in figure["views"]:
            if view["schema"] == "loadstore/heatmap@1" and view["columns"]["name"] == "key":
                patterns = [json.dumps(panel["values"]) for panel in view["panels"]]
                assert len(set(patterns)) == len(patterns), name
    rows = document["sections"][-1]["figures"][0]["views"][0]["rows"]
    assert {name.partition(":")[0] for name, _ in rows} == {"11", "Walk"}
    assert all(reason.endswith(".") for _, reason in rows)


def test_in_time_with_progress(made: Any) -> None:
    _, seconds, told = made
    assert seconds < SECONDS * slowness()
    assert [number for _, number, _, _ in told] == list(range(1, len(told) + 1))
    shares = [share for _, _, _, share in told]
    assert shares == sorted(shares)
    assert shares[0] == 0
