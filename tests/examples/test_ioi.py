"""The IOI example, in at most 20 lines, finds what was found by hand (to 2 %), each step in less than 10 seconds."""

import runpy
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "examples" / "ioi.py"
ATTENTION = {(24, 4): 0.81, (23, 0): 0.69, (23, 1): 0.56, (23, 7): 0.47}
LOGITS = {"L23.H3": 2.86, "L28.mlp": 1.83, "L29.H1": 1.73, "L24.H4": -1.07, "L29.H0": -1.01}
HEADS = {"L23.H3": -6.79, "L29.H1": -3.03, "L20.H0": -1.73}
WIRES = {"L20.H0": -0.965, "L19.H2": -0.455}


@pytest.mark.alone
@pytest.mark.nightly
def test_the_example_finds_what_was_found_by_hand() -> None:
    _, analysis, *_ = SCRIPT.read_text(encoding="utf-8").split("# %%")
    assert len([line for line in analysis.splitlines()[1:] if line.strip()]) <= 20
    found, seconds = runpy.run_path(str(SCRIPT))["timed"]()
    print(", ".join(f"{name} {took:.1f} s" for name, took in seconds.items()))
    top, attention, logits, heads, wires, together = found.values()
    assert top.text.values[0] == "␣Mary"
    assert float(top.probability[0]) == pytest.approx(0.92, abs=0.005)
    for (layer, head), expected in ATTENTION.items():
        assert float(attention.sel(layer=layer, head=head)) == pytest.approx(expected, rel=0.02)
    for name, expected in LOGITS.items():
        assert float(logits.sel(writer=name)) == pytest.approx(expected, rel=0.02)
    for result, rows in ((heads, HEADS), (wires, WIRES)):
        for name, expected in rows.items():
            assert float(result.change.sel(writer=name)) == pytest.approx(expected, rel=0.02)
    assert heads.sizes["writer"] == 270
    assert wires.sizes["wire"] == 231
    assert float(heads.change.min()) == float(heads.change.sel(writer="L23.H3"))
    assert float(wires.change.min()) == float(wires.change.sel(writer="L20.H0"))
    assert (together.before, together.after) == (pytest.approx(6.12, rel=0.02), pytest.approx(4.51, rel=0.02))
    assert max(seconds.values()) < 10
