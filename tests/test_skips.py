"""A skipped test says so, and why, at the end of a run: with and without workers."""

import subprocess
import sys
from pathlib import Path

import pytest

TESTS = """
import pytest

@pytest.mark.skip(reason="for a reason")
def test_marked(): ...

def test_called(): pytest.skip("for want of a part")

def test_run(): ...
"""


@pytest.mark.parametrize("options", [[], ["-n", "2"]], ids=["alone", "workers"])
def test_every_skipped_test_has_a_line_that_says_what_and_why(tmp_path: Path, options: list[str]) -> None:
    (tmp_path / "conftest.py").write_bytes((Path(__file__).parent / "conftest.py").read_bytes())
    (tmp_path / "test_some.py").write_text(TESTS, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--rootdir={tmp_path}", *options]
    command += ["-o", f"pythonpath={Path(__file__).parent}"]
    ran = subprocess.run([*command, tmp_path], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    lines = ran.stdout.splitlines()
    start = next(place for place, line in enumerate(lines) if "skipped: 2 " in line)
    expected = ["test_some.py::test_called: for want of a part", "test_some.py::test_marked: for a reason"]
    assert sorted(lines[start + 1 : start + 3]) == expected
