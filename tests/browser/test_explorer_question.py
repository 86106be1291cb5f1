"""The question of the explorer's page: shown, changed by mouse and keys, kept by links, answered by every screen."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from browser.test_explorer import Visit, visit, wait  # noqa: F401  (a fixture)
from served import ARTICLE, builtin, on_builtin, serving

import loadstore as ls
from loadstore.decomposition.question import main_head, question
from loadstore.execution.trace import Trace
from loadstore.explorer.question import begin
from loadstore.figures.prediction.listing import listing_figure

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

NAMES = "When Mary and John went to the store, John gave a drink to"
HASH = "location.hash.split(/[?&]/)"
SAYS = "text => document.querySelector('#screen').textContent.includes(text)"


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with serving(on_builtin(asked=begin(builtin()))) as served:
        yield served.address


def traced(prompt: str = ARTICLE) -> Trace:
    return ls.run(builtin(), prompt, record=True)


def chosen(page: "Page") -> tuple[str, int, int]:
    """The token, the prediction and its rival that the page says it asks about."""
    wait(page, "document.querySelector('form.asked[aria-busy=false]') !== null")
    token = page.locator(".question .token[aria-pressed=true]").get_attribute("aria-label")
    predict, against = (page.locator(f"select[name={role}]").input_value() for role in ("predict", "against"))
    return str(token), int(predict), int(against)


def test_the_page_opens_on_the_article_s_question_and_every_screen_explains_it(visit: Visit) -> None:  # noqa: F811
    trace = traced()
    asked = question(trace, 10)
    page = visit("")
    assert chosen(page) == ("␣sat·10", asked.predict, asked.against)
    assert "at=10" in page.evaluate(HASH)
    page.keyboard.press("l")
    page.wait_for_selector(".program table")
    assert page.locator(".program table").locator("tbody tr").first.inner_text().split()[:2] == ["target", "␣sat·10"]
    page.keyboard.press("a")
    page.wait_for_selector("p.soft")
    assert page.locator("p.soft").text_content() == str(ls.address(trace, main_head(trace, asked), 10))


def test_a_typed_prompt_is_asked_about_its_last_token(visit: Visit) -> None:  # noqa: F811
    trace = traced(NAMES)
    asked = question(trace)
    page = visit("#/listing?at=3&predict=5")
    page.fill("#prompt", NAMES)
    wait(page, "document.querySelectorAll('.question .token').length === 17")
    assert chosen(page) == (trace.labels[-1], asked.predict, asked.against)
    assert not [part for part in page.evaluate(HASH) if part.startswith(("at=", "predict="))]
    found = ls.listing(trace, -1, predict=asked.predict, against=asked.against)
    wait(page, SAYS, listing_figure(found).claim)
    wait(page, SAYS, f"What made {found.text_of(asked.predict)} after ␣to·16")
    page.keyboard.press("Tab")
    page.locator(".screens a", has_text="Address").click()
    page.wait_for_selector("p.soft")
    wait(page, "name => document.querySelector('p.soft')?.textContent.startsWith(name)", str(main_head(trace, asked)))


def test_the_question_is_changed_by_the_mouse_and_kept_by_the_link(visit: Visit) -> None:  # noqa: F811
    trace = traced()
    page = visit("#/listing")
    page.locator(".question .token", has_text="␣dog").click()
    likely = trace.logits[9].topk(4).indices.tolist()
    wait(page, "document.querySelector('.question code')?.textContent === '␣dog·9'")
    assert chosen(page) == ("␣dog·9", likely[0], likely[1])
    page.locator("select[name=against]").select_option(str(likely[3]))
    wait(page, f"{HASH}.includes('against={likely[3]}')")
    page.locator("select[name=predict]").select_option(str(likely[2]))
    wait(page, f"{HASH}.includes('predict={likely[2]}')")
    wanted = ("␣dog·9", likely[2], likely[3])
    wait(page, "id => document.querySelector('select[name=predict]').value === id", str(likely[2]))
    assert chosen(page) == wanted
    found = ls.listing(trace, 9, predict=likely[2], against=likely[3])
    told = listing_figure(found).claim
    wait(page, SAYS, told)
    wait(page, SAYS, f"What made {found.text_of(likely[2])} after ␣dog·9")
    assert all(word not in page.url for word in ("dog", "cat", "%20"))
    page.reload()
    page.wait_for_selector(".program table")
    assert chosen(page) == wanted
    wait(page, SAYS, told)
    page.get_by_role("link", name="Ask about the last token’s prediction").click()
    wait(page, "document.querySelector('.question code')?.textContent === '.·14'")


def test_the_question_is_changed_by_keys_alone_also_to_a_token_that_is_not_likely(visit: Visit) -> None:  # noqa: F811
    trace = traced()
    tokens = trace.weights.tokens
    assert tokens is not None
    page = visit("#/heads")
    chosen(page)
    page.keyboard.press("q")
    page.keyboard.press("ArrowLeft")
    wait(page, f"{HASH}.includes('at=9')")
    page.keyboard.press("ArrowRight")
    wait(page, f"{HASH}.includes('at=10')")
    assert chosen(page)[0] == "␣sat·10"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.name") == "predict"
    page.keyboard.press("End")
    wait(page, "document.activeElement?.matches('form.other input')")
    page.keyboard.type("two words")
    page.keyboard.press("Enter")
    wait(page, "document.querySelector('form.other .failing') !== null")
    page.keyboard.press("Control+a")
    page.keyboard.type(" log")
    page.keyboard.press("Enter")
    wait(page, f"{HASH}.includes('predict={tokens.one(' log')}')")
    wait(page, "id => document.querySelector('select[name=predict]').value === id", str(tokens.one(" log")))
    assert chosen(page) == ("␣sat·10", tokens.one(" log"), int(trace.logits[10].argmax()))
    assert "is number" in page.locator("form.asked .said").first.inner_text()


def test_looking_at_another_token_keeps_the_question_and_cuts_are_told_by_it(visit: Visit) -> None:  # noqa: F811
    trace = traced()
    page = visit("#/address?head=L1.H4&at=10&side=K&from=L0.H7")
    page.locator(".onward a", has_text="Address of L0.H7").click()
    wait(page, f"{HASH}.includes('token=4') && {HASH}.includes('at=10')")
    wait(page, "document.querySelector('p.soft')?.textContent.startsWith('L0.H7')")
    assert chosen(page)[:2] == ("␣sat·10", question(trace, 10).predict)
    page.get_by_role("button", name="Ablate this head: L0.H7").click()
    page.wait_for_selector(".doing table")
    after = ls.run(trace.weights, trace.tokens[0], [ls.ablate("L0.H7")])
    shown = (
        page.locator(".doing table tbody tr")
        .first.locator("td")
        .evaluate_all("cells => cells.map(cell => Number(cell.dataset.value))")
    )
    on = question(trace, 10).predict
    wanted = [float(one.logits[10].double().softmax(-1)[on]) for one in (trace, after)]
    assert shown[2:] == pytest.approx(wanted, rel=1e-4)
    page.get_by_role("link", name="Back to ␣sat·10").click()
    wait(page, f"!{HASH}.some(part => part.startsWith('token='))")


def test_without_a_repeat_the_walk_says_so_and_leads_to_a_prompt_that_shows_it(visit: Visit) -> None:  # noqa: F811
    page = visit("#/walk")
    page.wait_for_selector("p.claim[data-step='1']")
    assert page.locator(".elsewhere").count() == 0
    page.fill("#prompt", "one dog saw a house")
    wait(page, "document.querySelector('.elsewhere')?.textContent.includes('No earlier ␣house')")
    assert "induction has nothing to match" in page.locator(".elsewhere").inner_text()
    wait(page, "document.querySelector('.more p')?.textContent.startsWith('This walk uses another prompt')")
    page.locator(".elsewhere a").last.click()
    wait(page, "document.querySelector('.more p')?.textContent.startsWith('After “the dog sat”')")
    assert page.locator(".elsewhere").count() == 0
    assert page.locator("#prompt").input_value() == "the cat sat on the mat. the dog sat"


def test_a_question_that_is_not_one_is_told_with_a_way_on(browser: "Browser", address: str) -> None:
    context = browser.new_context(viewport={"width": 1400, "height": 900}, reduced_motion="reduce")
    page = context.new_page()
    errors: list[Any] = []
    page.on("pageerror", lambda error: errors.append(error))
    page.goto(address + "#/listing?at=10&predict=999999")
    page.wait_for_selector(".question .failing")
    assert "0 to" in page.locator(".question .failing").inner_text()
    page.get_by_role("link", name="Ask about the last token’s prediction").click()
    page.wait_for_selector(".program table")
    assert errors == []
    context.close()
