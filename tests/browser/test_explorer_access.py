"""Everybody can use the explorer: axe finds nothing serious, canvases have names, focus goes in order, tables agree."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from browser.test_access import AXE, IN_FOCUS, REACHABLE
from browser.test_explorer import PLACES, SCREENS, SETTLED
from served import ARTICLE, builtin, on_builtin, serving, until

import loadstore as ls
from loadstore.explorer.table import answered

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

STOPS = """() => [...document.querySelectorAll('section.view .body')].map(body => [
    body.closest('section').querySelector('h4').textContent,
    body.querySelectorAll('.stop[tabindex="0"], .heads button[tabindex="0"]').length])"""

COMPLETE = SETTLED | {"circuit": ".panel-of-f", "memory": ".working .store-facts"}
"""What a screen shows last, without a click."""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    explorer = on_builtin()
    answered("circuit/find", explorer, {"task": "induction"})(
        lambda done, of: None
    )  # its screen opens with the circuit
    with serving(explorer) as served:
        yield served.address


def opened(browser: "Browser", address: str, name: str, width: int = 1400, **more: Any) -> "Page":
    context = browser.new_context(
        viewport={"width": width, "height": 900}, reduced_motion="reduce", bypass_csp=True, **more
    )
    page = context.new_page()
    page.set_default_timeout(120_000)
    page.goto(address + PLACES[name], wait_until="load")
    page.wait_for_selector(COMPLETE[name])
    assert until(lambda: page.evaluate("document.querySelectorAll('[aria-busy=true]').length === 0"), 60)
    return page


@pytest.fixture(scope="module", params=SCREENS)
def screen(request: pytest.FixtureRequest, browser: "Browser", address: str) -> "Iterator[tuple[str, Page]]":
    """Every screen, once, for those who only look at it; the last goes through it by keys."""
    page = opened(browser, address, request.param)
    yield request.param, page
    page.context.close()


def serious(page: "Page", *rules: str) -> list[tuple[str, list[str]]]:
    """What axe finds that keeps somebody out, by all its rules or some."""
    found = page.evaluate(
        "rules => axe.run(document, { resultTypes: ['violations'], "
        "...(rules.length ? { runOnly: rules } : {}) }).then(result => result.violations)",
        rules,
    )
    return [
        (one["id"], [node["html"][:160] for node in one["nodes"][:3]])
        for one in found
        if one["impact"] in ("serious", "critical")
    ]


def test_axe_finds_nothing_serious(screen: "tuple[str, Page]") -> None:
    _, page = screen
    page.add_script_tag(content=AXE)
    assert serious(page) == []
    page.emulate_media(color_scheme="dark")
    assert page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    assert serious(page, "color-contrast") == []  # nothing else depends on the scheme
    page.emulate_media(color_scheme="light")


def test_axe_finds_nothing_serious_in_the_help_and_at_400_pixels(browser: "Browser", address: str) -> None:
    page = opened(browser, address, "address", 400)
    page.get_by_role("button", name="Keys and words").click()
    page.add_script_tag(content=AXE)
    found = serious(page)
    page.context.close()
    assert found == []


def test_canvases_have_names_and_pictures_one_stop(screen: "tuple[str, Page]") -> None:
    name, page = screen
    canvases = page.locator("canvas").evaluate_all("all => all.map(one => [one.getAttribute('role'), one.ariaLabel])")
    assert all(role == "img" and label for role, label in canvases)
    if name in ("heads", "memory"):
        assert canvases
    assert all(count <= 1 for _, count in page.evaluate(STOPS))


def test_tab_reaches_everything_in_order_and_shows_where_it_is(screen: "tuple[str, Page]") -> None:
    _, page = screen
    wanted = page.evaluate(REACHABLE)
    page.evaluate("document.activeElement?.blur(); scrollTo(0, 0)")
    reached: list[dict[str, Any]] = []
    for _ in range(len(wanted) + 8):
        page.keyboard.press("Tab")
        here = page.evaluate(IN_FOCUS)
        if here["reach"] is not None:
            if reached and here["reach"] == reached[0]["reach"]:
                break
            reached.append(here)
    order = [int(one["reach"]) for one in reached]
    assert order == sorted(order)
    assert set(wanted) - {one["reach"] for one in reached} == set()
    assert [one["what"] for one in reached if not (one["seen"] and one["ring"])] == []


def test_tables_carry_the_numbers_of_their_pictures(browser: "Browser", address: str) -> None:
    trace = ls.run(builtin(), ARTICLE, record=True)
    page = opened(browser, address, "memory")
    page.evaluate("document.querySelectorAll('details.numbers').forEach(one => { one.open = true; })")
    page.wait_for_selector("table[data-panel=L0] td[data-value]")
    rows = page.locator("table[data-panel=L0] tbody tr").evaluate_all(
        "rows => rows.map(row => [row.querySelector('th').textContent, "
        "[...row.querySelectorAll('td')].map(cell => Number(cell.dataset.value))])"
    )
    for name, values in rows[:12]:
        assert values == pytest.approx(trace.written(name).double().square().sum(-1).tolist(), rel=1e-3)
    page.context.close()
    page = opened(browser, address, "heads")
    page.evaluate("document.querySelectorAll('details.numbers').forEach(one => { one.open = true; })")
    page.wait_for_selector("table[data-panel=roles] td[data-value]")
    cells = page.locator("table[data-panel=roles] td[data-value]").count()
    assert cells == 24 * 5
    page.context.close()


def test_forced_colours_and_double_zoom_keep_everything(browser: "Browser", address: str) -> None:
    page = opened(browser, address, "memory", 700, forced_colors="active", device_scale_factor=2)
    assert page.evaluate("document.documentElement.scrollWidth") <= 700
    assert json.loads(page.evaluate("JSON.stringify(matchMedia('(forced-colors: active)').matches)"))
    page.context.close()
