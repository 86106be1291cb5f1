"""The tutorials: their code runs, and prints what the page says it prints."""

import contextlib
import io
import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parent.parent / "docs"


def blocks(page: str) -> list[tuple[str, str]]:
    """Each block of Python of a page, and the text below it, empty where there is none."""
    text = (DOCS / page).read_text(encoding="utf-8")
    return re.findall(r"```python\n(.*?)```(?:\n\n```text\n(.*?)```)?", text, re.DOTALL)


def printed(code: str, names: dict[str, object]) -> str:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(code, "tutorial", "exec"), names)
    return out.getvalue()


def test_induction_prints_what_the_page_says() -> None:
    names: dict[str, object] = {}
    steps = blocks("tutorial-induction.md")
    assert len(steps) == 5
    for code, expected in steps:
        assert printed(code, names) == expected


@pytest.mark.nightly
@pytest.mark.alone
def test_ioi_finds_what_the_page_says() -> None:
    first, *steps = (code for code, _ in blocks("tutorial-ioi.md"))
    names: dict[str, object] = {}
    printed(first, names)
    attention, logits, heads, wires = (eval(step, names) for step in steps)
    assert float(attention.sel(layer=24, head=4)) == pytest.approx(0.81, rel=0.02)
    assert float(logits.sel(writer="L23.H3")) == pytest.approx(2.86, rel=0.02)
    assert str(heads.change.to_series().idxmin()).startswith("L23.H3")
    assert float(wires.change.sel(writer="L20.H0")) == pytest.approx(-0.96, rel=0.02)
