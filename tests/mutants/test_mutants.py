"""The catalogue of mutants is up to date, and the runner reports each verdict; `make mutants` tries all mutants."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from mutants.catalogue import ROOT, DoesNotApply, Mutant, read_catalogue

Try = Callable[..., tuple[int, str]]
SOURCE = "def double(x: int) -> int:\n    return x + x\n\n\ndef name() -> str:\n    return 'a sum'\n"
TESTS = """
from loadstore.sums import double, name

def test_double() -> None:
    assert double(3) == 6

def test_name() -> None:
    assert name()

def test_that_is_wrong() -> None:
    assert double(1) == 3
"""
ENTRIES = {  # the text that is replaced, what replaces it, the test
    "a product": ("x + x", "x * x * x", "test_double"),
    "a name": ("'a sum'", "'another'", "test_name"),
    "no number": ("x + x", "x +", "test_double"),
    "nothing to test": ("x + x", "x", "test_of_nothing"),
    "gone": ("x + y", "x", "test_double"),
    "already wrong": ("x + x", "x", "test_that_is_wrong"),
}

ROWS = r"\n@each\((?:(?!\ndef |\n@pytest\.mark\.parametrize).)*\ndef {}\("  # a test whose rows are no cases


@pytest.fixture
def tried(tmp_path: Path) -> Try:
    """Run mutants of a small project; returns the exit code and what was printed."""
    root = tmp_path / "project"
    for path, text in {
        "pyproject.toml": "",
        "src/loadstore/__init__.py": "",
        "src/loadstore/sums.py": SOURCE,
        "tests/test_sums.py": TESTS,
    }.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)

    def run(*names: str, limit: float = 60, **entries: tuple[str, str, str]) -> tuple[int, str]:
        known = {name: ENTRIES[name] for name in names} | entries
        listed = [
            {"name": name, "file": "sums.py", "old": old, "new": new, "tests": [f"tests/test_sums.py::{test}"]}
            for name, (old, new, test) in known.items()
        ]
        (root / "tests" / "mutants").mkdir(exist_ok=True)
        (root / "tests" / "mutants" / "catalogue.json").write_text(json.dumps(listed))
        command = "import sys; from mutants.run import main; sys.exit(main(sys.argv[1:], libraries=()))"
        options = ["--root", str(root), "--limit", str(limit)]
        done = subprocess.run(
            [sys.executable, "-c", command, *options],
            cwd=ROOT / "tests",
            env=os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    return run


def test_every_entry_applies_once_and_names_tests_that_exist() -> None:
    wrong: list[str] = []
    mutants = read_catalogue()
    names = [mutant.name for mutant in mutants]
    wrong += [f"{name}: there are {names.count(name)} of that name" for name in set(names) if names.count(name) > 1]
    for mutant in mutants:
        try:
            mutant.broken(ROOT)
        except DoesNotApply as error:
            wrong.append(str(error))
        for test in mutant.tests:
            file, _, function = test.partition("::")
            path = ROOT / file
            name, _, case = function.partition("[")
            text = path.read_text(encoding="utf-8") if path.is_file() else ""
            there = f"def {name}(" in text and not (case and re.search(ROWS.format(name), text, re.DOTALL))
            wrong += [] if there and function else [f"{mutant.name}: there is no {test}"]
    assert not wrong, "\n".join(wrong)


def test_a_text_that_is_not_there_once_does_not_apply() -> None:
    with pytest.raises(DoesNotApply, match="0 times"):
        Mutant("stale", "linear/null.py", "no such text", "", ()).broken(ROOT)
    with pytest.raises(DoesNotApply, match=r"in linear/null.py \d+ times"):
        Mutant("twice", "linear/null.py", "import", "", ()).broken(ROOT)


def test_every_verdict_is_told_apart_and_all_but_killed_fail(tried: Try) -> None:
    code, told = tried(*ENTRIES)
    assert code == 1
    verdicts = dict(re.findall(r"^([a-z][a-z ]+): (.+)$", told, re.MULTILINE))
    assert verdicts == {
        "survived": "a name",
        "error": "no number",
        "no such test": "nothing to test",
        "does not apply": "gone",
        "fails unbroken": "already wrong",
    }
    assert re.search(r"^killed +1$", told, re.MULTILINE)


def test_a_trial_that_takes_too_long_is_killed_and_tried_again(tried: Try) -> None:
    code, told = tried("a product", limit=0.1)
    assert code == 1
    assert "timeout: a product" in told
    assert tried("a product")[0] == 0


def test_a_run_goes_on_where_it_stopped(tried: Try, tmp_path: Path) -> None:
    record = tmp_path / "project" / "build" / "mutants.jsonl"
    assert tried("a product")[0] == 0
    with record.open("a") as file:
        file.write('{"name": "torn", "key')
    before = record.read_text()
    code, told = tried("a product")
    assert (code, record.read_text()) == (0, before)
    assert "unbroken" not in told
    assert tried("a product", "a name")[0] == 1
    added = [json.loads(line) for line in record.read_text().removeprefix(before).splitlines() if line]
    assert [entry["name"] for entry in added] == ["tests/test_sums.py", "a name"]


def test_a_change_of_source_or_tests_is_tried_again(tried: Try, tmp_path: Path) -> None:
    project = tmp_path / "project"
    assert tried("a name")[0] == 1
    tests = project / "tests" / "test_sums.py"
    tests.write_text(tests.read_text() + "\n\ndef test_more() -> None:\n    assert name() == 'a sum'\n")
    assert tried(**{"a name": ("'a sum'", "'another'", "test_more")})[0] == 0
    source = project / "src" / "loadstore" / "sums.py"
    source.write_text(source.read_text().replace("a sum", "a total"))
    assert tried("a name")[0] == 1
    assert source.read_text() == SOURCE.replace("a sum", "a total")  # only a copy is broken


def test_two_mutants_of_the_project_are_killed(tmp_path: Path) -> None:
    names = ["the null's variance is off", "the induction stripe is off by one"]
    command = [sys.executable, "-m", "mutants.run", *names, "--jobs", "1", "--record", str(tmp_path / "record")]
    done = subprocess.run(command, cwd=ROOT / "tests", capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^killed +2$", done.stdout, re.MULTILINE)
