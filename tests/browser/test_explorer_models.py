"""The menu of models and sentences in a real browser: a sentence is asked, a model is opened, other tabs are told."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from browser.test_explorer import Visit, visit, wait  # noqa: F401  (a fixture)
from served import builtin, on_builtin, serving

from loadstore.explorer.current import Current
from loadstore.explorer.examples import examples_of
from loadstore.explorer.state import Explorer


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    other = replace(builtin(), name="other")
    current = Current(on_builtin(), {"other": lambda prompt: Explorer(other, prompt or "the cat")})
    with serving(current) as served:
        yield served.address


def test_a_sentence_is_asked_and_a_model_is_opened_by_keys(visit: Visit) -> None:  # noqa: F811
    page, elsewhere = visit("#/heads"), visit("#/heads")
    menu = page.locator("details.models summary")
    menu.press("Enter")
    page.get_by_role("button", name=examples_of("builtin")[1]).press("Enter")
    wait(page, f"document.querySelector('#prompt').value === {examples_of('builtin')[1]!r}")
    assert page.locator("details.models[open]").count() == 0
    menu.press("Enter")
    page.get_by_role("button", name="Open other").press("Enter")
    page.locator("h1", has_text="other").wait_for()
    page.wait_for_selector("p.claim[data-step='1']")
    assert "#/walk" in page.url
    assert page.locator("#prompt").input_value() == "the cat"
    assert "key=" not in page.url
    elsewhere.locator("#prompt").fill("the dog")
    wait(elsewhere, "document.querySelector('.away').textContent.includes('This server shows other now')")
    elsewhere.get_by_role("button", name="Reload").click()
    elsewhere.locator("h1", has_text="other").wait_for()
