"""Any address, found by its name with the keyboard alone, and in three clicks."""

from typing import TYPE_CHECKING

from browser.test_explorer import Visit, address, explorer, visit, wait  # noqa: F401  (fixtures)
from each import each

if TYPE_CHECKING:
    from playwright.sync_api import Page

FIELD = "#search"


def at(page: "Page", screen: str, *parts: str) -> None:
    wait(page, f"location.hash.startsWith('#/{screen}')")
    assert set(parts) <= set(page.evaluate("location.hash.split(/[?&]/)"))


@each(
    "text, keys, screen, parts",
    [
        ("l0h3", [], "heads", ["head=L0.H3"]),
        ("0.3", ["ArrowDown"], "address", ["head=L0.H3"]),
        ("dog·9:L0.H3", [], "address", ["head=L0.H3", "token=9"]),
        ("mat", ["ArrowUp", "ArrowDown"], "address", ["token=6"]),
    ],
)
def test_an_arbitrary_address_is_found_by_the_keyboard_alone(
    visit: Visit,  # noqa: F811
    text: str,
    keys: list[str],
    screen: str,
    parts: list[str],
) -> None:
    page = visit("#/wires")
    page.wait_for_selector(FIELD)
    page.keyboard.press("/")
    page.keyboard.type(text)
    page.wait_for_selector("#search-matches [role=option]")
    for key in keys:
        page.keyboard.press(key)
    assert page.locator(FIELD).get_attribute("aria-activedescendant") is not None
    page.keyboard.press("Enter")
    at(page, screen, *parts)


def test_enter_before_the_answer_goes_there_and_nonsense_is_answered_with_names(visit: Visit) -> None:  # noqa: F811
    page = visit("#/wires")
    page.locator(FIELD).fill("xyzzy")
    page.wait_for_selector(".search-said:not([hidden])")
    assert "is called ‘xyzzy’. Nearest: " in page.locator(".search-said").inner_text()
    page.keyboard.press("Escape")
    page.route("**/api/search", lambda route: (page.wait_for_timeout(300), route.continue_()))
    page.keyboard.type("1.11")
    page.keyboard.press("Enter")
    at(page, "heads", "head=L1.H11")


def test_an_arbitrary_address_takes_three_clicks(visit: Visit) -> None:  # noqa: F811
    page = visit("#/walk")
    page.get_by_role("link", name="Heads").click()
    page.locator("button.head").nth(3).click()
    page.locator(".onward a").click()
    page.wait_for_selector("p.soft")
    assert page.locator("p.soft").inner_text().startswith("L0.H3 ")
