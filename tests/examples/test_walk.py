"""The committed notebook is the one that its source makes, and its cells still give the numbers that it shows."""

import ast
import contextlib
import io
import re
from importlib import util
from pathlib import Path
from typing import Any

import nbformat
import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
NUMBER = re.compile(r"[−-]?\d*\.?\d+(?:e[−-]?\d+)?")  # a size of rounding such as 2e−6 is one number


@pytest.fixture(scope="module")
def committed() -> Any:
    return nbformat.read(EXAMPLES / "arena.ipynb", as_version=4)


@pytest.fixture(scope="module")
def made() -> Any:
    spec = util.spec_from_file_location("build", EXAMPLES / "build.py")
    assert spec is not None
    assert spec.loader is not None
    build = util.module_from_spec(spec)
    spec.loader.exec_module(build)
    return build.notebook(build.SOURCE.read_text(encoding="utf-8"))


def test_the_notebook_is_made_from_its_source(committed: Any, made: Any) -> None:
    assert [(c.cell_type, c.source) for c in committed.cells] == [(c.cell_type, c.source) for c in made.cells]
    assert [c.id for c in committed.cells] == [c.id for c in made.cells]


def test_the_notebook_is_small_and_names_no_machine() -> None:
    text = (EXAMPLES / "arena.ipynb").read_text(encoding="utf-8")
    assert len(text.encode()) < 3_000_000
    for word in ("/home/", "/work/", "/tmp/", "/root/", "iopub", "Traceback"):
        assert word not in text
    assert text.count("<iframe title=") >= 9


def test_cells_still_give_what_the_notebook_shows(committed: Any) -> None:
    names: dict[str, Any] = {}
    for cell in committed.cells:
        if cell.cell_type != "code":
            continue
        expected = "".join(
            output.text if output.output_type == "stream" else output.data["text/plain"] + "\n"
            for output in cell.outputs
        )
        same_answers(run(cell.source, names), expected, cell.id)
    assert names["previous"] == "L0.H7"
    assert names["induction"] == ["L1.H4", "L1.H10"]
    assert (names["writer_q"], names["writer_k"]) == ("embed", "L0.H7")


def run(source: str, names: dict[str, Any]) -> str:
    """What a cell prints, and the text of the value that it ends with."""
    tree = ast.parse(source)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(tree, "cell", "exec"), names)
        if last is not None:
            value = eval(compile(ast.Expression(last.value), "cell", "eval"), names)
            if value is not None:
                print(repr(value))
    return printed.getvalue()


def same_answers(ours: str, theirs: str, cell: str) -> None:
    """Equal words, and numbers equal to 2 % or .02: another machine rounds otherwise."""
    assert NUMBER.sub("#", ours) == NUMBER.sub("#", theirs), cell
    numbers = [[float(n.replace("−", "-")) for n in NUMBER.findall(text)] for text in (ours, theirs)]
    assert numbers[0] == pytest.approx(numbers[1], rel=0.02, abs=0.02), cell
