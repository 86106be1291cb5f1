"""What every test may use. It imports no loadstore: shape checks hook that import, and they start after this file."""

import os

import pytest
import shapes

shapes.install()
os.environ["HF_HUB_OFFLINE"] = "1"  # a test that reaches for the network is a mistake


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
