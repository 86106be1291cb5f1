"""Nothing on the explorer's screens is cut off at three widths, and two prompts stand side by side."""

from collections.abc import Iterator

import pytest
from browser.test_explorer import PLACES, SETTLED, Visit, visit, wait  # noqa: F401  (a fixture)
from depth import deep
from served import ARTICLE, builtin, on_builtin, serving

import loadstore as ls
from loadstore.explorer.question import begin
from loadstore.explorer.table import answered

# Elements with text of their own, columns of tables and texts of pictures that end outside their box, the picture or
# the window. What lies in a box that scrolls sideways can be reached; what is hidden is not looked at.
OVERFLOWING = """() => {
    const reached = one => {
        for (let box = one.parentElement; box; box = box.parentElement)
            if (/auto|scroll/.test(getComputedStyle(box).overflowX)) return true;
        return false;
    };
    const named = one => `${one.tagName} ${one.getAttribute('class') ?? ''}: ${one.textContent.trim().slice(0, 60)}`;
    const found = [];
    for (const one of document.querySelectorAll('body *')) {
        const own = [...one.childNodes].some(node => node.nodeType === 3 && node.textContent.trim());
        if (!own && !/^(TD|TH|SELECT)$/.test(one.tagName)) continue;
        const box = one.getBoundingClientRect();
        if (!box.width || one.closest('.visually-hidden, .skip, dialog:not([open]), option, .row-names')) continue;
        const style = getComputedStyle(one);
        if (/auto|scroll/.test(style.overflowX)) continue;
        if (one instanceof SVGElement) {
            const sheet = one.ownerSVGElement?.getBoundingClientRect();
            if (sheet && (box.right > sheet.right + 1.5 || box.left < sheet.left - 1.5)) found.push(named(one));
            continue;
        }
        const cut = style.display !== 'inline' && one.scrollWidth > one.clientWidth + 1 && one.tagName !== 'SELECT';
        if (cut || (!reached(one) && (box.right > innerWidth + 1 || box.left < -1))) found.push(named(one));
    }
    return found;
}"""
SECOND = ARTICLE.replace("the cat", "the dog")


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    explorer = on_builtin(asked=begin(builtin()))
    answered("circuit/find", explorer, {"task": "induction"})(lambda done, of: None)
    with serving(explorer) as served:
        yield served.address


def test_no_text_and_no_column_is_cut_off_at_any_width(visit: Visit) -> None:  # noqa: F811
    cut: dict[str, list[str]] = {}
    for width in deep((1400, 1000, 400), usual=(1400, 400)):
        page = visit("#/walk", width)
        page.locator(".compare summary").click()
        page.locator("#second").fill(SECOND)
        page.wait_for_selector("mark.token")
        for name, place in PLACES.items():
            page.evaluate("place => { location.hash = place; }", place.replace("#/heads?", "#/heads?order=role&"))
            page.wait_for_selector(".panel-of-f" if name == "circuit" else SETTLED[name])
            wait(page, "document.querySelectorAll('[aria-busy=true]').length === 0")
            found = page.evaluate(OVERFLOWING)
            if found:
                cut[f"{name} {width}"] = found[:6]
        page.locator(".models summary").click()
        page.wait_for_selector(".shelf section")
        page.locator("#search").fill("no such name anywhere")
        page.wait_for_selector(".search-said:not([hidden])")
        if found := page.evaluate(OVERFLOWING):
            cut[f"menu {width}"] = found[:6]
    assert cut == {}


def test_two_prompts_stand_side_by_side_with_the_api_s_numbers(visit: Visit) -> None:  # noqa: F811
    page = visit("#/circuit")
    page.locator(".compare summary").press("Enter")
    page.locator("#second").fill(SECOND)
    page.wait_for_selector("mark.token")
    assert page.locator("mark.token").all_text_contents() == ["␣cat2", "␣dog2"]
    chances = [ls.run(builtin(), text).logits[10].double().softmax(-1) for text in (ARTICLE, SECOND)]
    best = int(chances[0].argmax())
    shown = (
        page.locator(".compare tbody tr").first.locator("td").evaluate_all("all => all.map(one => +one.dataset.value)")
    )
    wanted = [float(some[best]) for some in chances]
    assert shown == pytest.approx([*wanted, wanted[1] - wanted[0]], abs=1e-5)
    page.locator("#second").fill("the cat")
    wait(page, "document.querySelector('.compare').textContent.includes('The prompts have 15 and 3 tokens')")
