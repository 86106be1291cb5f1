"""Tokens that run from right to left keep to their place: what stands before and after them stays there."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from loadstore.views.base import plain
from loadstore.views.model import bars, table
from loadstore.views.pictures import address, address_row
from loadstore.views.program import line, program

if TYPE_CHECKING:
    from playwright.sync_api import Locator

Show = Callable[..., "Locator"]
HEBREW, ARABIC = "␣שלום", "␣كتاب"
LABELS = ["␣the·0", f"{HEBREW}·1", f"{ARABIC}·2", "␣on·3"]
MOVED = """figure => {
    const left = /[\\u0590-\\u08ff]/, moved = [], range = document.createRange();
    const among = 'th, td, p, figcaption, caption, h3, h4, svg text:not([transform])';
    let met = 0;
    for (const block of figure.querySelectorAll(among)) {
        if (!left.test(block.textContent)) continue;
        met++;
        const shown = [], walker = document.createTreeWalker(block, NodeFilter.SHOW_TEXT);
        for (let node = walker.nextNode(); node; node = walker.nextNode())
            for (let at = 0; at < node.length; at++) {
                range.setStart(node, at);
                range.setEnd(node, at + 1);
                const box = range.getBoundingClientRect();
                if (box.width > 0) shown.push({ text: node.data[at], x: box.x, y: box.y + box.height / 2 });
            }
        for (const [index, one] of shown.entries())
            for (const later of shown.slice(index + 1)) {
                const free = left.test(one.text) && left.test(later.text), same = Math.abs(one.y - later.y) < 6;
                if (!free && same && later.x < one.x - 1)
                    moved.push(`${block.textContent}: ${later.text} is left of ${one.text}`);
            }
    }
    return [met, [...new Set(moved)]];
}"""


def _views() -> dict[str, dict[str, Any]]:
    lines = [
        line("", "target", LABELS[1], [(f"{HEBREW} logit +7.9   p .62", None)]),
        line("L1.H4", "LOAD.V", LABELS[2], [(f"{LABELS[1]}: L0.H7 .71", 0), (f"{LABELS[2]}: embed .2", None)], step=0),
        line("", "ADDR", LABELS[1], [(f"{LABELS[1]} .71", None), (f"{LABELS[2]} .2", None), ("+2", None)], step=0),
        line("", "STORE", LABELS[1], [(f"{ARABIC} +6.1", None)], f"cut L0.H7: {HEBREW} −3.0 estimated", step=0),
    ]
    row = address_row("L1.H4", f"at {LABELS[2]}", [0.1, 0.5, 0.4, 0.0], [1, 2], 2.1)
    rows = [(label, 1.5, f"copies {label} .5") for label in LABELS]
    views = {
        "program": program(f"the program of {HEBREW} 1", lines),
        "table": table("tokens", [("token", "token", None), ("p", "p", 2)], [[f"{label} 7", 0.5] for label in LABELS]),
        "address": address("where it looks", LABELS, [row]),
        "bars": bars(
            f"who wrote {HEBREW} 2", "nats", ("writer", "what it does"), rows, kind="signed", low=-2.0, high=2.0
        ),
    }
    return {name: plain(view) for name, view in views.items()}


@pytest.mark.parametrize("name", list(_views()))
@pytest.mark.parametrize("width", [1400, 400])
def test_a_token_from_right_to_left_moves_nothing_beside_it(show: Show, name: str, width: int) -> None:
    figure = show(_views()[name], width)
    figure.evaluate("figure => figure.querySelectorAll('details').forEach(one => (one.open = true))")
    met, moved = figure.evaluate(MOVED)
    assert met >= 2
    assert moved == []
    assert figure.inner_text().count("שלום") >= 1
