"""What every test may use. It imports no loadstore: shape checks hook that import, and they start after this file."""

import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import shapes
from depth import deep
from pace import processor

shapes.install()
os.environ["HF_HUB_OFFLINE"] = "1"  # a test that reaches for the network is a mistake


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """``-m alone`` imports only the files that have such tests: all the others would take a good part of its time."""
    wanted = str(config.option.markexpr).startswith("alone") and collection_path.name.startswith("test_")
    return True if wanted and "pytest.mark.alone" not in collection_path.read_text(encoding="utf-8") else None


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """A file that the process which needs it first makes for all processes of this run."""
    own = factory.getbasetemp()
    path = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / name
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            make(path)
    return path


@pytest.fixture(scope="session")
def mary(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, float, str]:
    """SmolLM2's report on the sentence of Mary and John by the command line: the page, its seconds, what was said.

    It takes the better part of a minute, so it is made once for all who look at it; by day it is the quick report. The
    seconds are the processor's: on a machine with other work only these are the report's.
    """
    sentence = "When Mary and John went to the store, John gave a drink to"

    def make(told: Path) -> None:
        page = told.with_suffix(".html")
        command = [sys.executable, "-m", "loadstore", "report", "smollm2", "--prompt", sentence, "-o", str(page)]
        command += deep([], usual=["--quick"])
        before = processor()
        said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=900).stdout
        told.write_text(json.dumps([str(page), processor() - before, said]), encoding="utf-8")

    page, seconds, said = json.loads(made_once(tmp_path_factory, "mary.json", make).read_text(encoding="utf-8"))
    return Path(page), seconds, said


@pytest.fixture(scope="session")
def article(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built-in model's page on the article's question."""
    from served import builtin

    from loadstore.report.page import write_report

    return made_once(tmp_path_factory, "article.html", lambda path: write_report(builtin(), path))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say at the end which tests were skipped and why, whatever options were given."""
    skipped: dict[tuple[str, str], None] = {}  # a module that is skipped reports once a worker
    for report in terminalreporter.stats.get("skipped", []):
        where = report.longrepr
        why = where[2] if isinstance(where, tuple) else str(where)
        skipped[report.nodeid, why.removeprefix("Skipped: ")] = None
    if skipped:
        terminalreporter.section(f"skipped: {len(skipped)}")
        for name, why in skipped:
            terminalreporter.write_line(f"{name}: {why}")
