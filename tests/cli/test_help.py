"""Help is quick: what is slow to import is not imported for it."""

import json
import subprocess
import sys

from each import each


@each("command", [[], *([name] for name in ("scores", "heads", "spectrum", "train", "models", "report"))])
def test_help_imports_nothing_heavy(command: list[str]) -> None:
    code = f"""
import json, sys
sys.argv = ["loadstore", *{command!r}, "--help"]
from loadstore.cli import main
try:
    main()
except SystemExit as left:
    heavy = sorted({{"torch", "numpy", "pandas", "xarray", "tokenizers", "rich.console"}} & set(sys.modules))
    print(json.dumps([left.code, heavy]), file=sys.stderr)
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=600)
    assert json.loads(run.stderr) == [0, []]
    assert "Usage:" in run.stdout
    assert "Example:" in run.stdout or not command
