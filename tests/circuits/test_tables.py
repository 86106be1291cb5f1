"""The tables of rankings say what the measured numbers say."""

import importlib.util
from pathlib import Path
from typing import Any

FILE = Path(__file__).parents[2] / "benchmarks" / "tasks_page.py"


def test_the_tables_of_rankings_are_made_from_the_numbers() -> None:
    made = importlib.util.spec_from_file_location("tasks_page", FILE)
    assert made is not None
    assert made.loader is not None
    module = importlib.util.module_from_spec(made)
    made.loader.exec_module(module)
    assert module.page() == module.EVERY.read_text(encoding="utf-8")
    text = module.DOCS.read_text(encoding="utf-8")
    assert module.docs(text) == text

    def row(default: float, published: float) -> dict[str, Any]:
        by = {"size": [0.0005, 0.2], "faithfulness": [0.5, 0.9], "low": [0.25, 0.8], "high": [0.75, 1.0], "small": 0.4}
        row: dict[str, Any] = {name: dict.fromkeys(module.WORDS, by) for name in module.METHODS}
        row["mask"]["paths"], row["eap-ig"]["signed"] = by | {"small": default}, by | {"small": published}
        return row | {"smallest": 0.012}

    rows = {"ioi": row(0.2, 0.5), "gender": row(0.6, 0.5)}
    rows["ioi"]["mask"]["remainder"] = rows["gender"]["mask"]["remainder"] = 0.1
    said = module.margins(rows)
    assert "the default is 20.00 % below EAP-IG as published" in said
    assert "better on 1 of them" in said
    assert "It is 0.00 % above the best of the others (EAP, signed)" in said
    assert "| ioi | 0.50 [0.25, 0.75] | 1.20 % | 0.10 |" in module.default({"ioi": rows["ioi"]})
    assert "| **mask path, one-sided, on paths** | .200 | .600 | **.400** |" in module.compared(rows)
    assert "| EAP, signed | 0.50 [0.25, 0.75] | 0.90 [0.80, 1.00] | 0.400 |" in module.every(rows["ioi"])
