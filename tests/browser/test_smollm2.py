"""The report on a real model of 270 heads, by the command line: in time, small, offline, and with the API's numbers."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from browser.reading import OPEN_TABLES, SHOW_CHOICES, columns, row_names, same, table
from pace import slowness

import loadstore as ls
from loadstore.heads.patterns import ROLES

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

NUMBERS = "0-all-numbers-0"  # the table of a figure's dots
SECONDS, BYTES = 90, 5_000_000  # of the processor, on one thread


@pytest.fixture(scope="module")
def shown(
    mary: tuple[Path, float, str], browser: "Browser", open_page: Callable[..., "tuple[Page, list[str], list[str]]"]
) -> "tuple[Page, list[str], list[str]]":
    """It in a browser, its tables open."""
    page, requests, errors = open_page(browser, mary[0])
    page.evaluate(SHOW_CHOICES)
    page.wait_for_selector(f"[data-view='{NUMBERS}']", state="attached")
    page.evaluate(OPEN_TABLES)
    return page, requests, errors


def test_in_time_and_small(mary: tuple[Path, float, str]) -> None:
    path, seconds, said = mary
    assert seconds < SECONDS * slowness()
    assert path.stat().st_size < BYTES
    assert "L18.H6 is the strongest induction head" in said


def test_asks_for_nothing(shown: "tuple[Page, list[str], list[str]]") -> None:
    _, requests, errors = shown
    assert requests == []
    assert errors == []


def test_the_role_map_equals_the_api(shown: "tuple[Page, list[str], list[str]]") -> None:
    roles = ls.head_roles(ls.load("smollm2"))
    for role in ROLES:
        same(table(shown[0], "figure-2", 0, role), roles[role].values.reshape(30, 9))


@pytest.mark.nightly  # the quick page by day has no cuts
def test_the_wire_that_matters(shown: "tuple[Page, list[str], list[str]]") -> None:
    page = shown[0]
    assert row_names(page, "figure-9", NUMBERS)[:2] == ["L16.H0", "L17.H8"]
    alignment, traffic, score, change = (float(value) for value in columns(page, "figure-9", NUMBERS)[0][-4:])
    wires = ls.subspace_scores(ls.load("smollm2"), writers="L16.H0", readers="L18.H6.K")
    assert alignment == pytest.approx(float(wires.alignment[0, 0]), rel=1e-4)
    assert traffic > 1
    assert score < 0.1
    assert change > 0.4
