"""``make bench-check`` fails beyond 1.3 times the committed ratio, and names the row and both ratios."""

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest
from each import each

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def check() -> ModuleType:
    spec = importlib.util.spec_from_file_location("check", ROOT / "benchmarks" / "check.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@each(("now", "fails"), [(1.0, False), (2.599, False), (2.6, False), (2.601, True), (26.0, True)])
def test_a_row_fails_beyond_the_limit(check: ModuleType, now: float, fails: bool) -> None:
    assert bool(check.slower({"a run": 2.0}, {"a run": now})) == fails


def test_a_failure_names_the_row_and_both_ratios(check: ModuleType) -> None:
    committed, measured = {"a run": 2.0, "scores": 1.0, "gone": 1.0}, {"a run": 3.0, "scores": 1.0, "new": 9.0}
    assert check.slower(committed, measured) == [
        "a run: 3 times its yardstick, committed 2: 1.50 times as long, at most 1.3 are allowed",
        "gone: in check.json, but not measured",
        "new: measured, but not in check.json; --write adds it",
    ]


def test_every_committed_ratio_is_a_number_of_a_row(check: ModuleType) -> None:
    committed = json.loads(check.FILE.read_text(encoding="utf-8"))
    text = (ROOT / "benchmarks" / "checked.py").read_text(encoding="utf-8")
    assert len(committed) >= 10
    assert all(ratio > 0 and f'"{name}"' in text for name, ratio in committed.items())


@each(
    ("value", "cell"),
    [
        (0.8, "0.80 ×"),
        (1.0, "1.00 ×"),
        (1.01, "1.01 × (**1.01 × the limit**)"),
        (0.5, "0.50 ×"),
        (0.4, "0.40 × (**0.80 × the limit**)"),
    ],
)
def test_a_number_beyond_a_limit_says_how_far(value: float, cell: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    limits = importlib.import_module("limits_page")
    limit = limits.Limit("a run", "between", lambda now: now["value"], "×", most=1.0, least=0.5)
    assert limits._cell(limit, {"value": value}) == cell
    assert limits._cell(limit, {}) == "not measured"
