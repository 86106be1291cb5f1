"""Addresses that are typed: what they lead to in every spelling, and the sentence where they lead nowhere."""

from typing import Any

import pytest
from each import each
from served import ARTICLE, on_builtin

from loadstore.explorer.state import Explorer
from loadstore.explorer.table import answered


@pytest.fixture(scope="module")
def explorer() -> Explorer:
    return on_builtin()


def found(explorer: Explorer, text: str) -> dict[str, Any]:
    return answered("search", explorer, {"run": explorer.runs.make(ARTICLE)[0], "text": text})


def first(explorer: Explorer, text: str) -> tuple[str, str, dict[str, Any]]:
    match = found(explorer, text)["matches"][0]
    change = {name: value for name, value in match["change"].items() if value is not None}
    return match["name"], match["screen"], change


@each(
    "text, name, screen, change",
    [
        *((text, "L1.H4", "heads", {"head": "L1.H4"}) for text in ("L1.H4", "l1.h4", "L1H4", "l1h4", "1.4", " 1.4 ")),
        ("L1.", "L1.H0", "heads", {"head": "L1.H0"}),
        ("embed", "embed", "memory", {"from": "embed"}),
        ("l1.h4.k", "L1.H4.K", "address", {"head": "L1.H4", "side": "K"}),
        ("13", "␣log·13", "address", {"token": 13}),
        ("sat·3", "␣sat·3", "address", {"token": 3}),
        ("SAT", "␣sat·3", "address", {"token": 3}),
        (".·7", ".·7", "address", {"token": 7}),
        ("sat·3:L0.H7", "␣sat·3:L0.H7", "address", {"head": "L0.H7", "token": 3}),
        ("10:0.7", "␣sat·10:L0.H7", "address", {"head": "L0.H7", "token": 10}),
        ("on·4:embed", "␣on·4:embed", "memory", {"from": "embed", "token": 4}),
    ],
)
def test_an_address_leads_to_the_screen_that_explains_it(
    explorer: Explorer, text: str, name: str, screen: str, change: dict[str, Any]
) -> None:
    assert first(explorer, text) == (name, screen, change)


@each(
    "text, said",
    [
        ("9.9", "No writer L9.H9: builtin has embed, pos, L0.H0, …, L1.H10, L1.H11. Nearest: L1.H9."),
        ("3:L0.mlp", "No writer L0.mlp: builtin has embed, pos, L0.H0, …, L1.H10, L1.H11."),
        ("embod", "No head, writer or token of this prompt is called ‘embod’. Nearest: embed"),
        ("dogs·9:L0.H7", "No head, writer or token of this prompt is called ‘dogs·9’. Nearest: ␣dog·9"),
        ("\x1b[2J", r"No head, writer or token of this prompt is called ‘\x1b[2J’. Nearest: "),
    ],
)
def test_a_text_that_leads_nowhere_is_answered_with_the_nearest_names(explorer: Explorer, text: str, said: str) -> None:
    answer = found(explorer, text)
    assert answer["matches"] == []
    assert answer["said"].startswith(said)


def test_matches_are_few_exact_ones_first_and_an_empty_text_has_none(explorer: Explorer) -> None:
    names = [match["name"] for match in found(explorer, "l")["matches"]]
    assert names == [*(f"L0.H{index}" for index in range(7)), "␣log·13"]
    assert found(explorer, "  ") == {"matches": [], "said": ""}
