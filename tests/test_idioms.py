"""Every line of loadstore in the table of idioms runs, and answers its question."""

import re
from pathlib import Path
from typing import Any

import loadstore as ls

PAGE = (Path(__file__).parents[1] / "docs" / "coming-from-transformerlens.md").read_text(encoding="utf-8")


def test_every_line_of_the_table_of_idioms_runs() -> None:
    (setting,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    rows = re.findall(r"^\| ([^|`]+) \| .+ \| `([^`]+)` \|$", PAGE, re.MULTILINE)
    assert len(rows) == PAGE.count("\n| ") - 1 > 20
    names: dict[str, Any] = {"ls": ls}
    exec(setting, names)
    found = {question: eval(line, names) for question, line in rows}
    trace = names["trace"]
    assert found["the likeliest tokens"].text.values[0] == "␣on"
    assert found["all patterns"].values[1, 4].tolist() == found["one pattern"].tolist()
    assert found["the logit lens"].text.values[-1, -1] == "␣on"
    parts = found["direct logit attribution"]
    assert abs(float(parts.sum()) - float(found["a metric"][0])) < 1e-3
    assert found["a metric for each prompt"].shape == (2,)
    assert [str(edit) for edit in found["mean ablation of several heads"].edits][:2] == [
        "ablate L0.H7 by mean",
        "ablate L1.H0 by mean",
    ]
    assert found["patching all heads"].change.sizes == {"writer": 24}
    assert found["patching layer × position"].change.sizes == {"writer": 2, "token": len(trace.labels)}
    assert found["patching heads × position"].sel(writer="L0.H7", token="␣sat·3").change.shape == ()
    assert set(found["path patching"].reader.values) == {"L1.H4.K"}
    assert len(found["path patching into several"].edits) == 2
