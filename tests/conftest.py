"""What every test may use. It imports no loadstore: shape checks hook that import, and they start after this file."""

import fcntl
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import shapes
from pace import processor

shapes.install()
os.environ["HF_HUB_OFFLINE"] = "1"  # a test that reaches for the network is a mistake


@pytest.fixture(scope="session")
def mary(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, float, str]:
    """SmolLM2's report on the sentence of Mary and John by the command line: the page, its seconds, what was said.

    It takes the better part of a minute, so it is made once for all who look at it. Of wall time and the processor's
    own the smaller: on a machine with other work only the second is the report's.
    """
    path = tmp_path_factory.mktemp("mary") / "report.html"
    sentence = "When Mary and John went to the store, John gave a drink to"
    command = [sys.executable, "-m", "loadstore", "report", "smollm2", "--prompt", sentence, "-o", str(path)]
    start, before = time.perf_counter(), processor()
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=900)
    return path, min(time.perf_counter() - start, processor() - before), said.stdout


@pytest.fixture(scope="session")
def article(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built-in model's page on the article's question: the process that needs it first makes it for all."""
    import loadstore as ls
    from loadstore.report.page import write_report

    own = tmp_path_factory.getbasetemp()
    folder = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    path = folder / "article.html"
    with (folder / "article.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            write_report(ls.load("builtin"), path)
    return path


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
