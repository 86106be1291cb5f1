"""The page of open questions says what the measured numbers say."""

import importlib.util
from pathlib import Path

FILE = Path(__file__).parents[2] / "benchmarks" / "memory_page.py"


def test_the_section_of_open_questions_is_made_from_the_numbers() -> None:
    made = importlib.util.spec_from_file_location("memory_page", FILE)
    assert made is not None
    assert made.loader is not None
    module = importlib.util.module_from_spec(made)
    made.loader.exec_module(module)
    text = module.PAGE.read_text(encoding="utf-8")
    assert module.page(text) == text
    pair = {"kind": "clean-up", "reported": True, "caused": -0.3, "writer": "L0.H1", "later": "L2.mlp", "term": -0.5}
    life = {"pairs": [pair | {"ablated": {"value": 0.6, "low": 0.5, "high": 0.7}}], "fresh": [], "repairs": []}
    screen = {"tests": 40, "large": 9, "beyond": 4, "checked": 3}
    found = {model: {"lifetimes": life | {"screen": screen}, "reach": {"ratio": 0.8}} for model in module.REAL}
    said = "\n".join(module.pairs(found))
    assert "Of 40 pairs of a writer and a later one, 9 have a term" in said
    assert "Removals were run for 3: 1 hold, 1 of them clean-up and 0 repeaters" in said
    assert "| L0.H1 | L2.mlp | clean-up | −.50 | −.30 | .60 (.50 to .70) |" in said
    agreed = module.agreement(found)
    assert "1 and 1 clean-up and 0 and 0 repeater pairs hold" in agreed[0]
    assert "found in both of the models, caused repetition in neither" in agreed[0]
    assert agreed[1] == "- Reach: the ratios are .80 and .80, so both read nearer than equal reading would."
    rows = [{"side": side, "distance": [0, 1], "mean": mean, "mean_equal": 2} for side, mean in (("Q", 1), ("mlp", 3))]
    turned = [{**row, "mean": 4 - row["mean"]} for row in rows]
    sides = {model: {"reach": {"ratio": 0.8, "readers": rows}} for model in module.REAL}
    assert "- The side that reads nearest: Q in both." in module.agreement(sides)
    sides["gemma3-270m"]["reach"]["readers"] = turned
    assert "- The side that reads nearest: Q and mlp." in module.agreement(sides)
    found["smollm2"]["reach"] = {"ratio": 1.2}
    assert "the models differ on whether near writers are preferred" in module.agreement(found)[1]
