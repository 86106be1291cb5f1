"""The README is short, its code runs and prints what it says, and its commands are commands."""

import contextlib
import io
import re
import shlex
from pathlib import Path

import typer
from each import each
from public import public

from loadstore.cli.app import app

README = Path(__file__).parent.parent / "README.md"
TEXT = README.read_text(encoding="utf-8")
COMMANDS = [line for block in re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL) for line in block.splitlines()]


def test_its_six_lines_print_what_it_says() -> None:
    ((code, printed),) = re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```", TEXT, re.DOTALL)
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(code, "README.md", "exec"), {})
    assert out.getvalue() == printed


def test_every_file_that_the_readme_names_exists() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", TEXT)
    assert links
    assert [link for link in links if not (README.parent / link).exists()] == []


def test_it_is_short() -> None:
    assert len(TEXT.splitlines()) <= 120


@each("line", [line for line in COMMANDS if line.startswith("loadstore ")])
def test_a_command_of_it_parses(line: str) -> None:
    _, name, *words = shlex.split(line)
    command = typer.main.get_command(app).commands[name]  # pyright: ignore[reportAttributeAccessIssue]
    command.make_context(name, words)


def test_what_it_answers_names_public_names_and_commands() -> None:
    table = TEXT[TEXT.index("## What it answers") : TEXT.index("## Beside")]
    named = set(re.findall(r"`ls\.([\w.]+)`", table))
    assert named
    assert named <= set(public())
    cells = [row.split("|")[3] for row in table.splitlines() if row.startswith("| ")][1:]
    commands = {word.split()[0] for cell in cells for word in re.findall(r"`([^`]+)`", cell)}
    assert commands <= set(typer.main.get_command(app).commands)  # pyright: ignore[reportAttributeAccessIssue]
