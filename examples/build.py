"""Make arena.ipynb from arena_walk.py: `python examples/build.py` writes it, executed, the same on every run."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
from nbclient import NotebookClient

if TYPE_CHECKING:
    from nbformat import NotebookNode

HERE = Path(__file__).parent
SOURCE, NOTEBOOK = HERE / "arena_walk.py", HERE / "arena.ipynb"
MARK = re.compile(r"^# %%(.*)$", re.MULTILINE)


def notebook(text: str) -> "NotebookNode":
    """A notebook without outputs, from a script in percent format: `# %%` opens code, `# %% [markdown]` text."""
    _, *pieces = MARK.split(text)
    cells: list[Any] = []
    for index, (kind, body) in enumerate(zip(pieces[::2], pieces[1::2], strict=True)):
        if kind.strip() == "[markdown]":
            lines = [line.removeprefix("#").removeprefix(" ") for line in body.strip().splitlines()]
            cell = nbformat.v4.new_markdown_cell("\n".join(lines))
        else:
            cell = nbformat.v4.new_code_cell(body.strip())
        cell["id"] = f"cell-{index:02d}"
        cells.append(cell)
    made = nbformat.v4.new_notebook(cells=cells)
    made.metadata["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return made


def build() -> None:
    """Execute the notebook and write it, without times, versions or paths."""
    made = notebook(SOURCE.read_text(encoding="utf-8"))
    NotebookClient(made, timeout=600, record_timing=False, coalesce_streams=True).execute()
    made.metadata.pop("language_info", None)
    nbformat.validate(made)
    NOTEBOOK.write_text(nbformat.writes(made) + "\n", encoding="utf-8")
    print(f"wrote {NOTEBOOK.name}, {NOTEBOOK.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    build()
