"""Numbers and lists as sentences have them, written by hand."""

import math

import pytest

from loadstore.decomposition.short import short, signed
from loadstore.figures.words import last_tokens, listed, number, percent, plural, size, with_error


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.971, ".97"),
        (-0.12, "−.12"),
        (13.42, "13.42"),
        (1.0, "1.00"),
        (-0.004, ".00"),  # no sign of a number that is shown as zero
        (-0.006, "−.01"),
        (0.0, ".00"),
        (math.nan, "undefined"),
    ],
)
def test_a_number_in_a_sentence(value: float, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.714, ".71"), (1.0, "1.00"), (-0.12, "−.12"), (-0.004, ".00"), (-0.006, "−.01"), (math.nan, "n/a")],
)
def test_a_number_in_a_line(value: float, text: str) -> None:
    assert short(value) == text


def test_an_error_is_left_out_where_it_is_undefined() -> None:
    assert with_error(0.5, 0.02) == ".50 ± .02"
    assert with_error(0.5, math.nan) == ".50"
    assert (signed(6.08), signed(-5.84)) == ("+6.1", "−5.8")


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (0.01, ".01"), (0.0099, "1e−2"), (4e-7, "4e−7"), (3e-12, "3e−12"), (math.inf, "undefined")],
)
def test_a_small_probability_is_told_by_its_order(value: float, text: str) -> None:
    assert size(value) == text


def test_lists_and_counts() -> None:
    assert [listed(list("abc"[:count])) for count in (1, 2, 3)] == ["a", "a and b", "a, b and c"]
    assert (plural(1, "head"), plural(0, "head"), plural(3000, "head")) == ("1 head", "0 heads", "3,000 heads")
    assert plural(2, "story", "stories") == "2 stories"
    assert last_tokens([1, 1]) == "last token"
    assert last_tokens([1024, 3, 3]) == "last 3 or 1,024 tokens"


def test_a_percentage_of_nothing_has_no_decimals() -> None:
    assert [percent(share, 1) for share in (0.0, 0.0004, 0.001, 0.8)] == ["0 %", ".0 %", ".1 %", "80.0 %"]
