"""SmolLM2 on the sentence of Mary and John: every figure that explains a prediction explains ␣Mary."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

import loadstore as ls
from loadstore.decomposition.question import main_head, question

pytestmark = pytest.mark.nightly  # the quick page by day leaves figures out
SENTENCE = "When Mary and John went to the store, John gave a drink to"
EXPLAIN = ("Prediction", "Program", "Three addresses", "Evidence")


@pytest.fixture(scope="module")
def document(mary: tuple[Path, float, str]) -> dict[str, Any]:
    """What the page shows."""
    page = mary[0].read_text(encoding="utf-8")
    return json.loads(page.split('id="loadstore-data">')[1].split("</script>")[0])


def figures(document: dict[str, Any]) -> dict[str, Any]:
    return {figure["number"]: figure for part in document["sections"] for figure in part["figures"]}


def test_every_figure_that_explains_a_prediction_explains_mary(document: dict[str, Any]) -> None:
    found = figures(document)
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


def test_no_empty_proof(document: dict[str, Any]) -> None:
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
