"""The README's commands run, those on a real model on the built-in one."""

import shlex
from pathlib import Path

import pytest
from cli.conftest import Run
from test_readme import COMMANDS


def test_its_commands_run_on_the_built_in_model(
    loadstore: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that end: ``explore`` serves until it is stopped (tests/cli/test_explore.py)."""
    monkeypatch.chdir(tmp_path)
    for line in COMMANDS:
        words = shlex.split(line)
        if words[0] != "loadstore" or words[1] == "explore" or "ioi" in words:
            continue
        words = [{"smollm2": "builtin", "L18.H6.K": "L1.H4.K", " John": " and"}.get(word, word) for word in words[1:]]
        code, _, err = loadstore(*words)
        assert code == 0, (line, err)
    code, _, _ = loadstore("discover", "builtin", "--task", "induction", "--size", "24", "-o", "ioi.json")
    assert code == 0
    assert Path("ioi.json").exists()
