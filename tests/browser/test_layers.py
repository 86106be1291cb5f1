"""A thousand heads: the strongest wire of every block of layers first, and every block can be opened."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from browser.one_view import expected, press, tables
from browser.sample_layers import Groups, block, layers, matrix

from loadstore.views.base import plain
from loadstore.views.layers import layers_view

if TYPE_CHECKING:
    from playwright.sync_api import Locator

ROWS: Groups = [(f"L{layer}", [f"L{layer}.H{head}" for head in range(20)]) for layer in range(2)]


def test_tables_are_the_strongest_wires_and_then_the_block_that_is_open(show: "Callable[..., Locator]") -> None:
    view = layers()
    figure = show(view)
    assert tables(figure) == expected(block(view))
    said = figure.locator(".tables > p").inner_text()
    assert said.startswith("All layers: 4 × 3 cells in 2 panels, each the strongest wire of its block;")
    assert f"{sum(int((~np.isnan(matrix(view, panel))).sum()) for panel in (0, 1))} wires in all" in said
    press(figure, "ArrowDown", "ArrowRight", "ArrowRight", "Enter")
    assert tables(figure) == expected(block(view, 1, 2))
    said = figure.locator(".tables > p").inner_text()
    assert said == "Writer L0 → reader L2: 4 × 3 cells in 2 panels; 24 wires in all. The CSV has every wire."
    press(figure, "Escape", "Shift+Enter")
    assert tables(figure) == expected(block(view, 1, None))
    press(figure, "Escape", "Control+Enter")
    assert tables(figure) == expected(block(view, None, 2))


def test_a_block_shows_its_highest_or_its_lowest_wire_instead(show: "Callable[..., Locator]") -> None:
    view = layers()
    figure = show({**view, "strongest": "highest"})
    choice = figure.get_by_label("Each block shows its")
    assert choice.input_value() == "highest"
    for rank in ("highest", "lowest", "magnitude", "highest"):
        choice.select_option(rank)
        assert tables(figure) == expected(block(view, rank=rank))
    which = block(view, rank="highest")["Q", "highest wire"][1][2]
    assert f"highest of 12 wires: {which}" in press(figure, "Home", "ArrowDown", "End")
    assert "Q writer {} → reader {} ".format(*which.split(" → ")) in press(figure, "Enter")
    unsigned = layers_view(
        "size", rows=ROWS, columns=ROWS, panels=[("K", np.ones((40, 40)))], signed=False, value="traffic"
    )
    assert show(plain(unsigned)).locator("select").count() == 0, "without signs there is one order"


def test_keys_open_blocks_pin_and_go_back_to_where_they_were(show: "Callable[..., Locator]") -> None:
    view = layers()
    figure = show(view)
    trail = figure.locator(".trail")
    assert "Enter opens its block" in press(figure, "Escape")
    value = block(view)["Q", None][1][2]
    which = block(view)["Q", "strongest wire"][1][2]
    top = press(figure, "Home", "ArrowDown", "End")
    assert f"Q writer L0 → reader L2 {value:+.3f}".replace("-", "−") in top
    assert f"strongest of 12 wires: {which}" in top
    inside = press(figure, "Enter")
    assert trail.inner_text().split("\n")[-1] == "Writer L0 → reader L2"
    assert "Q writer {} → reader {} ".format(*which.split(" → ")) in inside, "the cursor is on the strongest wire"
    assert "strongest of" not in inside
    assert re.search(r"score \d?\.\d+ z −?\d", inside)
    assert "pinned" in press(figure, "Enter"), "a wire has nothing to open: it is pinned"
    assert "L0.H" in press(figure, "ArrowUp")
    assert "arrow keys" in press(figure, "Escape"), "the pin is cleared first"
    assert press(figure, "Escape") == top
    assert trail.inner_text() == "All layers"
    assert "pinned" in press(figure, "Space")
    press(figure, "Escape", "Home", "ArrowDown", "End", "Shift+Enter", "Enter", "Escape")
    assert trail.locator("b").inner_text() == "Writer L0", "Escape goes back by one step"


def test_clicks_open_cells_and_labels_and_the_trail_leads_back(show: "Callable[..., Locator]") -> None:
    figure = show(layers())
    trail = figure.locator(".trail")
    frame = figure.locator(".stop .frame").nth(1)
    box = frame.bounding_box()
    assert box is not None
    frame.click(position={"x": box["width"] * 0.9, "y": box["height"] * 0.4}, force=True)
    assert trail.locator("b").inner_text() == "Writer L0 → reader L2"
    trail.get_by_role("button").click()
    assert trail.inner_text() == "All layers"
    assert figure.page.evaluate("document.activeElement.classList.contains('stop')"), "the focus is not lost"
    labels = figure.locator(".stop svg").first.locator(".opens text")
    labels.filter(has_text=re.compile("^L1$")).first.click()
    assert trail.locator("b").inner_text() == "Writer L1"
    figure.locator(".stop svg").first.locator(".opens text").filter(has_text=re.compile("^L2$")).click()
    assert trail.locator("b").inner_text() == "Writer L1 → reader L2"
    assert trail.get_by_role("button").count() == 2
    trail.get_by_role("button").first.click()
    assert trail.inner_text() == "All layers"


def test_what_is_not_wired_is_hatched_and_odd_numbers_are_said(show: "Callable[..., Locator]") -> None:
    view = layers()
    figure = show(view)
    hatched = figure.locator(".stop path[fill^='url(#hatch']").first
    impossible = sum(row.count(None) for row in block(view)["Q", None])
    assert 0 < impossible == len(re.findall("z", hatched.get_attribute("d") or ""))
    assert "impossible: the architecture has no such wire" in press(figure, "Control+Home", "ArrowDown", "ArrowDown")
    said = figure.locator(".legend").inner_text()
    for words in ("the architecture has no such wire", "above 1.000", "below −1.000", "reference .25"):
        assert words in said
    press(figure, "Control+Home", "Enter", "Home")
    assert "z NaN" in press(figure, "ArrowRight")
    assert "z ∞" in press(figure, "Escape", "End", "Enter", "End")


def test_one_member_a_group_shows_members_at_once(show: "Callable[..., Locator]") -> None:
    columns: Groups = [("first", ["L1.H4"]), ("second", ["L1.H10"])]
    view = layers([("embed", ["embed"]), ("L0", ["L0.H0", "L0.H1"])], columns, "K")
    figure = show(view)
    assert tables(figure) == expected(block(view))
    heads = figure.locator("table.data").first.locator("thead th")
    assert heads.all_inner_texts() == ["L1.H4", "L1.H10"]
    press(figure, "ArrowDown", "ArrowRight", "Control+Enter")
    assert figure.locator(".trail b").inner_text() == "All layers", "columns have nothing to open"
    plain = show(layers([("embed", ["embed"])], columns, "K"))
    assert plain.locator(".trail").count() == 0
    assert "pinned" in press(plain, "Enter")
