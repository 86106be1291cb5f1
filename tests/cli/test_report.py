"""``loadstore report``: the question that its options ask, and what is refused."""

from collections.abc import Callable
from pathlib import Path

from each import each

Run = Callable[..., tuple[int, str, str]]


@each(
    ("options", "words"),
    [
        (["--predict", " sat on"], ["2 tokens", "must be one"]),
        (["--at", "99"], ["no token 99"]),
        (["--against", " on", "--predict", " on"], ["compared with itself"]),
        (["--ids", "0,1,2", "--predict", "x"], ["--predict 'x'", "whole numbers"]),
        (["--ids", "0,1,2", "--against", "999999"], ["a target is a token id", "999999"]),
    ],
)
def test_what_is_refused(loadstore: Run, tmp_path: Path, options: list[str], words: list[str]) -> None:
    out = tmp_path / "page.html"
    code, _, error = loadstore("report", "builtin", "-o", str(out), *options)
    assert code == 2
    assert not out.exists()
    assert "Traceback" not in error
    for word in words:
        assert word in error


def test_the_command_line_asks_and_a_page_is_written_and_told(loadstore: Run, tmp_path: Path) -> None:
    out = tmp_path / "page.html"
    code, text, _ = loadstore("report", "builtin", "--at", "4", "--predict", " the", "--quick", "-o", str(out))
    assert code == 0
    assert text.startswith("After ␣on·4 the model ")
    assert "figure Prediction: After ␣on·4, ␣the is" in text
    assert "figure 15:" in text
    page = out.read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert "another question: change --at" in page


def test_a_task_that_is_not_there_is_refused_before_the_work(tmp_path: Path, loadstore: Run) -> None:
    page = tmp_path / "page.html"
    code, out, err = loadstore("report", "--task", "nothing", "-o", str(page))
    assert (code, out, page.exists()) == (2, "", False)
    assert "there is no task 'nothing'" in err
