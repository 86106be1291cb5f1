"""What every test may use. It imports no loadstore: shape checks hook that import, and they start after this file."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

os.environ["HF_HUB_OFFLINE"] = "1"  # a test that reaches for the network is a mistake

QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


@pytest.fixture(scope="session")
def browser() -> "Iterator[Browser]":
    """A headless Chromium; a machine without one fails the test, it does not skip it."""
    from playwright.sync_api import sync_playwright

    finder = Path(__file__).parent.parent / "scripts" / "chromium"
    chromium = subprocess.run([finder], check=True, capture_output=True, text=True).stdout.strip()
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=list(QUIET))
        yield opened
        opened.close()
