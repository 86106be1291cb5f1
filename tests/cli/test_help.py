"""Help is quick: what is slow to import is not imported for it."""

import json
import subprocess
import sys

COMMANDS = ["", "scores", "heads", "spectrum", "train", "models", "report"]
CODE = f"""
import contextlib, io, json, sys
from loadstore.cli import main
for command in {COMMANDS}:
    sys.argv = ["loadstore", *command.split(), "--help"]
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said):
            main()
    except SystemExit as left:
        heavy = sorted({{"torch", "numpy", "pandas", "xarray", "tokenizers", "rich.console"}} & set(sys.modules))
        print(json.dumps([command, left.code, heavy, said.getvalue()]))
"""


def test_help_imports_nothing_heavy() -> None:
    """One process for all commands: what one of them imports is still there after the next."""
    run = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True, timeout=600)
    found = [json.loads(line) for line in run.stdout.splitlines()]
    assert [command for command, *_ in found] == COMMANDS
    for command, code, heavy, said in found:
        assert (code, heavy) == (0, []), command
        assert "Usage:" in said
        assert "Example:" in said or not command
