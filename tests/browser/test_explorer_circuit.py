"""The screen of a circuit in a real browser: it is found, a load is switched off by keys, and F is the server's."""

from typing import TYPE_CHECKING, Any

import pytest
from served import on_builtin, serving, until

import loadstore as ls
from loadstore.explorer.table import answered

if TYPE_CHECKING:
    from playwright.sync_api import Browser


def test_a_load_is_switched_by_keys_and_f_is_the_servers(browser: "Browser") -> None:
    explorer = on_builtin()
    with serving(explorer) as served:
        context = browser.new_context(
            viewport={"width": 1000, "height": 900},
            reduced_motion="reduce",
            permissions=["clipboard-read", "clipboard-write"],
        )
        page = context.new_page()
        page.set_default_timeout(120_000)
        errors: list[str] = []
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(f"{served.address}#/circuit", wait_until="load")
        page.get_by_role("button", name="Find the circuit of induction").press("Enter")
        shown = page.locator(".large-f b")
        shown.wait_for()
        (name,) = explorer.circuits.keys

        def shows(off: list[int]) -> bool:
            answer = answered("circuit/switch", explorer, {"circuit": name, "off": off})
            broken = page.locator("svg .load.cut").count()
            f = float(shown.inner_text().replace("−", "-"))
            return abs(f - answer["faithfulness"]) < 0.0051 and broken == len(answer["cut"].arcs)

        assert until(lambda: shows([]))
        loads = page.locator(".load-row > label input")
        loads.first.press(" ")
        assert until(lambda: shows([0]))
        assert not loads.first.is_checked()
        assert "wires are on" in page.locator(".panel-of-f [role=status]").inner_text()
        page.get_by_role("button", name="Copy as Python").click()
        assert until(lambda: "copied" in page.locator("#screen > header").inner_text())
        names: dict[str, Any] = {}
        exec(compile(page.evaluate("navigator.clipboard.readText()"), "copied", "exec"), names)
        same = ls.faithfulness(names["circuit"].without(names["off"]), names["pairs"])
        answer = answered("circuit/switch", explorer, {"circuit": name, "off": [0]})
        assert answer["faithfulness"] == pytest.approx(float(same.faithfulness), rel=1e-4)
        page.get_by_role("button", name="Only unembed on").press("Enter")
        assert until(lambda: shows([0, 1]))
        assert loads.evaluate_all("all => all.map(one => one.checked)") == [False, False, True]
        assert page.url.endswith("off=0.1")
        page.reload(wait_until="load")  # the server has the circuit, and the address what is off
        shown.wait_for()
        assert until(lambda: shows([0, 1]))
        page.get_by_role("button", name="All on").press("Enter")
        assert until(lambda: shows([]))
        assert page.evaluate("document.documentElement.scrollWidth") <= 1000
        context.close()
    assert errors == []
