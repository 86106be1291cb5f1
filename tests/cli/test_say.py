"""One place where the command line prints: full, closed and narrow outputs, and no other way out."""

import ast
import csv
import errno
import io
import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest
from cli.conftest import Run
from each import each
from rich.cells import cell_len

import loadstore.cli
from loadstore.cli.options import print_table
from loadstore.cli.saving import guarded
from loadstore.cli.say import WIDE, Output, console, print_document, printing
from loadstore.errors import BadRequest

ROWS = [
    ("[bold red]x[/]", 0.5, "0.500"),
    (":smile:", -0.25, "-0.250"),
    ("long" * 3000, 123.456, "123.5"),
    ("\x1b[31m\nred", math.nan, "–"),
    ("漢字", 1e9, "1000000000.0"),
]


class Full(io.StringIO):
    """A file on a device that has no room left."""

    def write(self, text: str) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def ran(line: str, **environment: str) -> tuple[int, str, str]:
    """A line of the shell, where ``loadstore`` is the command in a process of its own: exit code, output, errors."""
    known = {**os.environ, "OMP_NUM_THREADS": "1", **environment}
    script = f'loadstore() {{ "{sys.executable}" -m loadstore "$@"; }}; {line}'
    done = subprocess.run(["sh", "-c", script], capture_output=True, env=known, check=False, timeout=600)
    return done.returncode, done.stdout.decode("utf-8"), done.stderr.decode("utf-8")


@each("words", ["models", "models --json", "models --card", "--help", "head --help", "heads"])
def test_a_full_output_is_one_sentence(loadstore: Run, monkeypatch: pytest.MonkeyPatch, words: str) -> None:
    monkeypatch.setattr(sys, "stdout", Full())
    code, _, err = loadstore(*words.split())
    assert code == 2
    assert err.startswith("loadstore: standard output cannot be written (No space left on device); free space there")
    assert err.count("\n") == 1


@pytest.mark.parametrize("words", ["models", "--help"])
def test_so_it_is_for_the_process_itself(tmp_path: Path, words: str) -> None:
    code, _, err = ran(f"ulimit -f 0; loadstore {words} > {tmp_path}/full")  # Python ignores SIGXFSZ
    assert code == 2
    assert err.startswith("loadstore: standard output cannot be written (File too large)")
    assert err.count("\n") == 1


def test_a_pipe_whose_reader_left_ends_the_command_without_a_word() -> None:
    assert ran("{ loadstore --help; echo $? >&2; } | true") == (0, "", "141\n")


def test_a_closed_output_is_an_error_and_a_closed_stderr_is_not() -> None:
    code, _, err = ran("loadstore --help >&-")
    assert code == 2
    assert "standard output cannot be written (Bad file descriptor)" in err
    assert ran("loadstore dance 2>&-") == (2, "", "")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_an_output_of_few_characters_gets_escapes_for_the_others(encoding: str) -> None:
    code, out, err = ran("loadstore head --help", PYTHONIOENCODING=encoding, PYTHONUTF8="0")
    assert (code, err) == (0, "")
    assert r"query \u2212 key" in out


def test_a_write_that_failed_fails_again() -> None:
    output = Output(Full())
    for _ in range(2):
        with pytest.raises(BadRequest, match="No space left on device"):
            output.write("x")
    assert output.write("") == 0
    assert Output(Full(), err=True).write("x") == 1
    assert Output(None, err=True).write("x") == 1
    with pytest.raises(BadRequest, match="Bad file descriptor"):
        Output(None).write("x")
    closed = io.StringIO()
    closed.close()
    with pytest.raises(BadRequest, match="closed file"):
        Output(closed).write("x")


def test_whatever_is_printed_passes_through(capsys: pytest.CaptureFixture[str]) -> None:
    before = sys.stdout, sys.stderr
    with printing():
        print("a\x1b[31mb\ud800\u202e\n☃")
        print("\x9b", file=sys.stderr)
        sys.stdout.writelines(["\x07", "\n"])
        console().print("[b]c[/b] :smile:")
    assert (sys.stdout, sys.stderr) == before
    told = capsys.readouterr()
    assert told.out == "a\\x1b[31mb\\ud800\\u202e\n☃\n\\x07\n[b]c[/b] :smile:\n"
    assert told.err == "\\x9b\n"


def test_a_fault_is_told_without_hidden_characters(loadstore: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("\x1b[31m\u202e")

    monkeypatch.setattr("loadstore.checkpoints.library.load", broken)
    code, out, err = loadstore("models", "builtin")
    assert (code, out) == (1, "")
    assert r"RuntimeError: \x1b[31m\u202e" in err


def test_a_table_keeps_texts_as_they_are_and_numbers_whole(capsys: pytest.CaptureFixture[str]) -> None:
    print_table("title", ("name :smile: [b]", "value", "text"), [[name, value, name] for name, value, _ in ROWS])
    title, head, *lines = capsys.readouterr().out.splitlines()
    assert title == "title"
    assert head.split() == ["name", ":smile:", "[b]", "value", "text"]
    assert [line.count("…") for line in lines] == [0, 0, 2, 0, 0]
    for line, (_, _, number) in zip(lines, ROWS, strict=True):
        assert f" {number} " in line
        assert cell_len(line.rstrip()) <= WIDE
    assert lines[0].startswith("[bold red]x[/] ")
    assert lines[1].startswith(":smile: ")
    assert lines[3].startswith(r"\x1b[31m red ")
    numbers = [f" {number} " for _, _, number in ROWS]
    ends = {cell_len(line.partition(text)[0] + text) for line, text in zip(lines, numbers, strict=True)}
    assert len(ends) == 1  # the numbers are under each other


def test_one_document_on_an_output_of_few_characters() -> None:
    raw = io.BytesIO()
    narrow = io.TextIOWrapper(raw, "ascii", "strict")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", Output(narrow))
        print_document({"é\x9b": ["☃", "\x7f", "\ud800", 1.5, None]})
    assert json.loads(raw.getvalue()) == {"é\x9b": ["☃", "\x7f", "\ud800", 1.5, None]}
    assert raw.getvalue().decode("ascii").removesuffix("\n").isprintable()


def test_texts_of_a_table_file_are_no_formulas_and_numbers_are_numbers() -> None:
    import pandas as pd

    frame = pd.DataFrame({"=name": ["=1+1", "@x\x1b", "L0.H7", "-0.5"], "value": [-0.5, 1.0, math.nan, -2.0]})
    header, *rows = csv.reader(io.StringIO(guarded(frame).to_csv(index=False)))
    assert header == ["'=name", "value"]
    assert rows == [["'=1+1", "-0.5"], [r"'@x\x1b", "1.0"], ["L0.H7", ""], ["-0.5", "-2.0"]]


def test_nothing_else_in_the_command_line_opens_a_way_out() -> None:
    """Print and typer write to sys.stdout and sys.stderr, which are an Output; rich's own console would not."""
    folder = Path(str(loadstore.cli.__file__)).parent
    for path in sorted(folder.rglob("*.py")):
        if path.name == "say.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = ast.unparse(node) if isinstance(node, ast.Attribute | ast.Name) else ""
            assert name not in ("Console", "rich.print", "os.write", "sys.__stdout__", "sys.__stderr__"), (path, name)
            assert not name.startswith(("sys.stdout.buffer", "sys.stderr.buffer")), (path, name)
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "TextColumn" and "{" in ast.unparse(node):
                assert any(word.arg == "markup" for word in node.keywords), (path, ast.unparse(node))
