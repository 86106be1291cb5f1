"""docs/beyond-one-machine.md shows the numbers of benchmarks/scale.json, and these are those of the cost model."""

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from shapes import unchecked

from loadstore.cost.machine import Machine

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def scale() -> ModuleType:
    spec = importlib.util.spec_from_file_location("scale", ROOT / "benchmarks" / "scale.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    return json.loads((ROOT / "benchmarks" / "scale.json").read_text(encoding="utf-8"))


def test_the_page_shows_what_was_measured_and_computed(scale: ModuleType, found: dict[str, Any]) -> None:
    text = (ROOT / "docs" / "beyond-one-machine.md").read_text(encoding="utf-8")
    missing = [line for line in scale.page(found).splitlines() if line not in text]
    assert missing == []


def test_the_large_models_are_those_of_the_cost_model(scale: ModuleType, found: dict[str, Any]) -> None:
    with unchecked():  # the cost model takes sizes alone, without weights
        rows = scale.large(Machine(**found["machine"]))
    for row, kept in zip(rows, found["large"], strict=True):
        assert {name: row[name] for name in row if name not in ("hours", "model", "bound")} == pytest.approx(
            {name: kept[name] for name in kept if name not in ("hours", "model", "bound")}, rel=1e-9
        )
        assert row["bound"] == kept["bound"]
        assert row["hours"] == pytest.approx(kept["hours"], rel=1e-9)


def test_the_cost_model_is_within_a_factor_of_what_was_measured(found: dict[str, Any]) -> None:
    longer = [run for run in found["runs"] if run["seconds"] > 0.5 and run["analysis"] != "digest"]
    assert len(longer) >= 5
    assert all(run["seconds"] / 1.5 < run["expected"] < 1.5 * run["seconds"] for run in longer)
    for model in ("builtin", "smollm2"):
        whole = [(run["seconds"], run["expected"]) for run in found["runs"] if run["model"] == model]
        took, expected = map(sum, zip(*whole, strict=True))
        assert took / 1.5 < expected < 1.5 * took
    assert found["overhead"] < 0.05
