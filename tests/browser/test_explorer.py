"""The explorer in a real browser: the walk with the API's numbers, editing, links, keys, and a server that dies."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from served import ARTICLE, builtin, on_builtin, serving, until

import loadstore as ls
from loadstore.explorer.state import Explorer

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

SCREENS = ("walk", "heads", "memory", "address", "wires", "listing", "circuit")
PLACES = {
    "walk": "#/walk?step=5",
    "heads": "#/heads?head=L1.H4&at=10",
    "memory": "#/memory?from=L0.H7&at=4",
    "address": "#/address?head=L1.H4&at=10&side=K&from=L0.H7&do=cut",
    "wires": "#/wires?writer=L0.H7&reader=L1.H4.K",
    "listing": "#/listing?at=10",
    "circuit": "#/circuit?task=induction",
}
SETTLED = {
    "walk": "p.claim[data-step]",
    "heads": "button.head canvas",
    "memory": ".store-facts",
    "address": ".doing table",
    "wires": "svg",
    "listing": ".program table",
    "circuit": ".about-task",
}
REFUSED = ("status of 422", "status of 409")  # how the browser notes a prompt that is none, and another model
Visit = Callable[..., "Page"]


def wait(page: "Page", expression: str, argument: Any = None) -> None:
    """Until an expression holds; asked from outside, since the page's policy lets nobody evaluate text in it."""
    assert until(lambda: page.evaluate(expression, argument), 60), expression


@pytest.fixture(scope="module")
def explorer() -> Explorer:
    return on_builtin()


@pytest.fixture(scope="module")
def address(explorer: Explorer) -> Iterator[str]:
    with serving(explorer) as served:
        yield served.address


@pytest.fixture
def visit(browser: "Browser", address: str) -> "Iterator[Visit]":
    """A page at a place, in a context of its own; whatever it asked of others and every error fail the test."""
    asked: list[str] = []
    errors: list[str] = []
    contexts: list[Any] = []

    def go(place: str = "", width: int = 1400, *, dark: bool = False) -> "Page":
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce",
            permissions=["clipboard-read", "clipboard-write"],
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(120_000)
        own = address.split("#")[0]
        page.on("request", lambda request: None if request.url.startswith(own) else asked.append(request.url))
        page.on(
            "console",
            lambda m: (
                errors.append(m.text)
                if m.type in {"error", "warning"} and not any(one in m.text for one in REFUSED)
                else None
            ),
        )
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(address + place, wait_until="load")
        page.wait_for_selector("#screen")
        return page

    yield go
    for context in contexts:
        context.close()
    assert [url for url in asked if not url.startswith(("data:", "blob:"))] == []
    assert errors == []


@pytest.mark.parametrize(("width", "dark"), [(1400, False), (400, True)])
def test_every_screen_is_quiet_and_fits(visit: Visit, width: int, *, dark: bool) -> None:
    page = visit(PLACES["walk"], width, dark=dark)
    for name in SCREENS:
        page.evaluate("place => { location.hash = place; }", PLACES[name])
        page.wait_for_selector(SETTLED[name])
        assert page.locator(".screens a[aria-current=page]").inner_text().lower().startswith(name)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
    assert "key=" not in page.url


def test_a_run_that_comes_late_leads_to_no_other_screen(visit: Visit) -> None:
    page = visit("#/walk?step=2")
    page.wait_for_selector("p.claim[data-step='2']")
    held: list[Any] = []
    page.route("**/api/run", lambda route: held.append(route))
    for name in ("heads", "memory"):  # neither address names a run: one is asked for at the first of them
        page.evaluate("place => { location.hash = place; }", f"#/{name}")
        page.wait_for_selector(f".screens a[aria-current=page][href^='#/{name}']")
    assert until(lambda: page.evaluate("1") == 1 and len(held) == 1, 60)
    held[0].continue_()
    wait(page, "location.hash.startsWith('#/memory?run=')")


def test_the_walk_opens_first_and_says_what_the_api_says_by_keys_alone(visit: Visit, explorer: Explorer) -> None:
    page = visit("#/?at=10")
    page.wait_for_selector("p.claim[data-step='1']")
    claims: list[str] = []
    for step in range(1, 7):
        page.wait_for_selector(f"p.claim[data-step='{step}']")
        assert 0 < len(page.locator("p.claim[data-step]").inner_text().split()) <= 40
        assert page.locator("svg .load.cut").count() == (step == 5)
        assert page.locator("svg .load:not(.faint)").count() == {1: 0, 2: 1, 3: 2, 4: 2, 5: 5, 6: 4}[step]
        claims.append(page.locator(".more > p").text_content() or "")
        page.keyboard.press("ArrowRight")  # at the last step it does nothing
    page.keyboard.press("ArrowLeft")
    page.wait_for_selector("p.claim[data-step='5']")
    assert "The address collapses." in page.locator("p.claim").inner_text()
    trace = ls.run(explorer.weights, ARTICLE, record=True)
    after = ls.run(explorer.weights, ARTICLE, [ls.cut("L0.H7", "L1.H4.K"), ls.cut("L0.H7", "L1.H10.K")], record=True)
    on = int(trace.tokens[0, 4])
    before, then = (float(one.logits[10].double().softmax(-1)[on]) for one in (trace, after))
    assert f"␣on is the likeliest next token: probability {said(before)}" in claims[0]
    assert f"L1.H4 {said(trace.pattern('L1.H4')[10, 4])}" in claims[1]
    assert f"L1.H10 {said(trace.pattern('L1.H10')[10, 4])}" in claims[1]
    share = ls.address(trace, "L1.H10", 10, about=4).shares["K"]["L0.H7"]
    wire = ls.subspace_scores(explorer.weights, where=["L0.H7 -> L1.H10.K"])
    assert f"{share:.2f} is what L0.H7 stored" in claims[2]
    assert f"z {float(wire.z.sel(writer='L0.H7', reader='L1.H10.K')):.0f}." in claims[2]
    raised = float(ls.parts.logit_parts(trace, 10, on).sel(writer="L1.H10"))
    assert f"the logit of ␣on by {raised:+.1f}" in claims[3]
    assert f"probability of ␣on: {said(before)} → {said(then)}" in claims[4]
    for head in ("L1.H4", "L1.H10"):
        assert f"{head} {said(trace.pattern(head)[10, 4])} → {said(after.pattern(head)[10, 4])}" in claims[4]
    assert "The address collapses" in claims[4]
    assert not claims[0].startswith("This walk uses another prompt")
    assert claims[5].startswith("This is another prompt")
    assert re.search(r"occurred \d+ times before, followed by \d+ different tokens", claims[5])


def said(value: Any) -> str:
    """A share as the page writes it: `.83`."""
    text = f"{float(value):.2f}"
    return text.removeprefix("0") if text.startswith("0.") else text


def test_the_prompt_is_edited_in_place(visit: Visit, explorer: Explorer) -> None:
    page = visit("#/heads?head=L1.H4")
    page.wait_for_selector("button.head canvas")
    first = page.url
    page.fill("#prompt", "a b c a b")
    wait(page, "document.querySelectorAll('button.token').length === 6")
    labels = ls.run(explorer.weights, "a b c a b").labels
    assert page.locator("button.token").evaluate_all("all => all.map(one => one.ariaLabel)") == labels
    assert page.url != first
    assert "a%20b" not in page.url
    page.fill("#prompt", "a b c d")
    wait(page, "document.querySelector('#screen .lead').textContent.includes('induction has nothing to match')")
    page.fill("#prompt", "")
    assert "empty" in page.locator("#prompt-wrong").inner_text()
    page.fill("#prompt", "a " * 300)
    wait(page, "document.querySelector('#prompt-wrong')?.textContent.includes('takes at most 256')")
    assert "last prompt that could be run" in page.locator("#prompt-wrong").inner_text()
    page.fill("#prompt", "a b")
    wait(page, "!document.querySelector('#prompt-wrong')")


@pytest.mark.parametrize("name", SCREENS)
def test_the_link_of_every_screen_survives_reload_and_its_python_runs(visit: Visit, name: str) -> None:
    page = visit(PLACES[name])
    page.wait_for_selector(SETTLED[name])
    place = page.evaluate("location.hash")
    page.reload()
    page.wait_for_selector(SETTLED[name])
    assert page.evaluate("location.hash") == place
    for part in PLACES[name].split("?")[1].split("&"):
        assert part in place
    assert "sat" not in place
    page.get_by_role("button", name="Copy as Python").click()
    wait(page, "document.querySelector('#screen header').textContent.includes('copied')")
    code = page.evaluate("navigator.clipboard.readText()")
    exec(compile(code, f"copied from {name}", "exec"), {})


def test_the_heads_are_pinned_by_a_click_and_drawn_in_full(visit: Visit, explorer: Explorer) -> None:
    page = visit("#/heads")
    page.wait_for_selector("button.head canvas")
    page.get_by_role("button", name=re.compile(r"^L1\.H10[,:] ")).click()
    wait(page, "location.hash.includes('head=L1.H10')")
    page.locator(".beside details.numbers summary").click()
    page.wait_for_selector(".beside table td[data-value]")
    trace = ls.run(explorer.weights, ARTICLE, record=True)
    wanted = float(trace.pattern("L1.H10")[10, 4])
    wait(
        page,
        "wanted => [...document.querySelectorAll('.beside table td')]"
        ".some(cell => Math.abs(cell.dataset.value - wanted) < 1e-6)",
        wanted,
    )


def test_everything_is_reached_by_keys_alone(visit: Visit) -> None:
    page = visit("#/heads")
    page.wait_for_selector("button.head canvas")
    for name, key in zip(SCREENS, "ghmawlc", strict=True):
        page.keyboard.press(key)
        wait(page, f"location.hash.startsWith('#/{name}')")
        wait(page, "document.activeElement?.id === 'screen-title'")
    page.keyboard.press("e")
    assert page.evaluate("document.activeElement.id") == "prompt"
    page.keyboard.type("w")
    wait(page, "document.querySelector('#prompt').value.includes('w')")
    assert page.evaluate("location.hash").startswith("#/circuit")
    page.keyboard.press("Tab")
    page.keyboard.press("?")
    assert page.locator("dialog.help").is_visible()
    page.locator("dialog.help input[type=checkbox]").focus()
    page.keyboard.press("Space")
    page.keyboard.press("Escape")
    page.keyboard.press("h")
    page.wait_for_timeout(100)
    assert page.evaluate("location.hash").startswith("#/circuit")


def test_a_store_is_chosen_by_keys_and_lights_its_loads(visit: Visit) -> None:
    page = visit("#/memory")
    page.wait_for_selector(".memory-map canvas")
    wait(page, "document.querySelector('.row-names').textContent.includes('L0.H7 previous')")
    names = page.locator(".row-names text").all_text_contents()
    assert [name.strip() for name in names[:3]] == ["embed", "pos", "L0.H7 previous"]
    assert "L0 9 more heads" in names
    assert page.locator(".memory-and-store .legend .tick").all_text_contents() == ["0", "2.5", "5"]
    page.locator(".memory-map").locator("xpath=..").focus()
    for key in (*["ArrowDown"] * 2, *["ArrowRight"] * 4, "Enter"):
        page.keyboard.press(key)
    wait(page, "location.hash.includes('from=L0.H7') && location.hash.includes('token=4')")
    page.wait_for_selector(".store-facts")
    assert "L1.H10.K" in page.locator(".inspect tbody tr").first.inner_text()
    assert page.locator(".lit-loads .load").count() > 2
    page.locator("select").filter(has_text="no layer").select_option("0")
    wait(
        page,
        "[...document.querySelectorAll('.row-names text')].filter(one => /^L0[.]/.test(one.textContent)).length === 12",
    )
    page.keyboard.press("Escape")
    wait(page, "!location.hash.includes('from=')")


def test_a_cut_shows_before_and_after_with_controls(visit: Visit, explorer: Explorer) -> None:
    page = visit("#/address?head=L1.H4&at=10&side=K&from=L0.H7")
    page.get_by_role("button", name=re.compile("^Cut this wire")).click()
    page.wait_for_selector(".doing table")
    trace = ls.run(explorer.weights, ARTICLE, record=True)
    after = ls.run(explorer.weights, ARTICLE, [ls.cut("L0.H7", "L1.H4.K")], record=True)
    shown = [
        float(cell)
        for cell in page.locator(".doing table tbody tr")
        .first.locator("td")
        .evaluate_all("cells => cells.map(cell => cell.dataset.value)")
    ]
    on = int(trace.tokens[0, 4])
    wanted = [float(one.logits[10].double()[on]) for one in (trace, after)]
    wanted += [float(one.logits[10].double().softmax(-1)[on]) for one in (trace, after)]
    assert shown == pytest.approx(wanted, rel=1e-5)
    page.get_by_role("button", name="Compare with controls").click()
    wait(page, "document.querySelector('.doing').textContent.includes('L0.H7 → L1.H10.K')")


def test_the_program_is_verified_and_leads_to_addresses(visit: Visit) -> None:
    page = visit("#/listing?at=10")
    page.wait_for_selector(".program table")
    page.get_by_role("button", name=re.compile("^Verify")).click()
    wait(page, "document.querySelector('#screen').textContent.includes('✔ verified')")
    page.locator(".program td.op a", has_text="LOAD.K").first.click()
    wait(page, "location.hash.startsWith('#/address') && location.hash.includes('side=K')")
    page.wait_for_selector(".sides, .side")


def test_links_and_python_are_copied(visit: Visit, explorer: Explorer) -> None:
    page = visit("#/address?head=L1.H4&at=10")
    page.get_by_role("button", name="Copy link").click()
    wait(page, "document.querySelector('#screen header').textContent.includes('copied')")
    assert page.evaluate("navigator.clipboard.readText()") == page.url
    page.get_by_role("button", name="Copy as Python").click()
    page.wait_for_timeout(200)
    code = page.evaluate("navigator.clipboard.readText()")
    space: dict[str, Any] = {}
    exec(compile(code, "copied", "exec"), space)
    assert str(space["address"].head) == "L1.H4"


def test_a_server_that_is_killed_and_started_again(browser: "Browser") -> None:
    context = browser.new_context(viewport={"width": 1400, "height": 900}, reduced_motion="reduce")
    page = context.new_page()
    page.set_default_timeout(60_000)
    with serving(on_builtin()) as served:
        port = served.here.port
        page.goto(served.address + "#/heads?head=L1.H4")
        page.wait_for_selector("button.head canvas")
        page.fill("#prompt", "one two one two one")
        count = len(ls.run(builtin(), "one two one two one").labels)
        wait(page, "count => document.querySelectorAll('button.token').length === count", count)
        before = page.evaluate("location.hash")
    page.get_by_role("button", name=re.compile(r"^L0\.H7[,:] ")).click()  # with its role, if that is measured already
    page.wait_for_selector(".away:not(:empty)")
    assert "does not answer" in page.locator(".away").inner_text()
    assert page.locator("button.head canvas").count() == 24
    with serving(on_builtin(), port=port) as served:
        wait(page, "document.querySelector('.away').textContent.includes('no key')")
        other = context.new_page()
        other.goto(served.address)
        wait(page, "!document.querySelector('.away').textContent")
        wait(page, "before => location.hash !== before", before)
        wait(page, "count => document.querySelectorAll('button.token').length === count", count)
        assert page.locator("#prompt").input_value() == "one two one two one"
    context.close()


def test_a_page_without_the_key_says_how_to_get_one(browser: "Browser", address: str) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(address.split("#")[0])
    page.wait_for_selector(".away:not(:empty)")
    assert "open the address" in page.locator(".away").inner_text().lower()
    context.close()


def test_the_redirect_file_leads_to_the_page_and_leaves_no_key(browser: "Browser", explorer: Explorer) -> None:
    with serving(explorer) as served:
        context = browser.new_context()
        page = context.new_page()
        sent: list[str] = []
        page.on("request", lambda request: sent.append(f"{request.url.partition('#')[0]} {request.headers}"))
        file = served.redirect()
        page.goto(file)
        page.wait_for_selector("#screen")
        assert page.url.startswith(served.address.split("#")[0])
        assert served.here.key not in page.url
        assert all(served.here.key not in line for line in sent if "/api/" not in line)
        assert until(lambda: not Path(file.removeprefix("file://")).exists())
        length = page.evaluate("history.length")
        page.go_back()
        assert page.url == "about:blank" or length == 1
        context.close()


def test_another_tab_has_the_key_from_the_first_and_a_pasted_address_is_taken(
    browser: "Browser", explorer: Explorer
) -> None:
    with serving(explorer) as served:
        plain = served.address.split("#")[0]
        context = browser.new_context()
        first = context.new_page()
        first.goto(plain)
        first.wait_for_selector(".away:not(:empty)")
        first.goto(served.address + "#/heads")  # the same document: only the fragment is another
        first.wait_for_selector("button.head canvas")
        assert served.here.key not in first.url
        second = context.new_page()
        second.goto(plain + "#/heads")
        second.wait_for_selector("button.head canvas")
        assert not second.locator(".away").inner_text()
        context.close()


def test_a_long_prompt_is_drawn_by_windows_with_a_count(browser: "Browser", monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loadstore.explorer.prompt.WINDOW", 32)
    with serving(Explorer(builtin(), [0, *range(5, 75)])) as served:
        context = browser.new_context(viewport={"width": 1400, "height": 900}, reduced_motion="reduce")
        page = context.new_page()
        page.goto(served.address + "#/heads")
        page.wait_for_selector("p.window")
        assert "Tokens 0 to 31 of 71" in page.locator("p.window").inner_text()
        page.get_by_role("button", name="Later").click()
        wait(page, "document.querySelector('p.window').textContent.includes('Tokens 16 to 47')")
        wait(page, "document.querySelector('button.token').textContent.endsWith('16')")
        context.close()


def test_a_model_without_a_tokenizer_or_a_circuit_is_told_so(browser: "Browser") -> None:
    from tiny import KINDS, tiny

    with serving(Explorer(tiny(KINDS[0]), [1, 2, 3, 1, 2])) as served:
        context = browser.new_context(viewport={"width": 1400, "height": 900}, reduced_motion="reduce")
        page = context.new_page()
        page.goto(served.address + "#/walk")
        wait(page, "document.body.textContent.includes('no induction circuit')")
        assert page.locator("label[for=prompt]").inner_text().startswith("Token ids")
        assert page.locator("#prompt").input_value() == "1, 2, 3, 1, 2"
        page.fill("#prompt", "1, x")
        assert "whole numbers" in page.locator("#prompt-wrong").inner_text()
        context.close()


def test_the_tab_keeps_the_key_and_token_ids_only(visit: Visit) -> None:
    page = visit("#/heads")
    page.wait_for_selector("button.head canvas")
    kept = json.loads(page.evaluate("JSON.stringify({...sessionStorage})"))
    assert all(name == "loadstore-key" or name.startswith("loadstore-prompt-") for name in kept)
    assert "sat" not in json.dumps(kept)
    assert page.evaluate("Object.keys({...localStorage})") == []
    assert page.context.cookies() == []
