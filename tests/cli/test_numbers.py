"""Numbers in a table and in JSON, and token ids of an option, at the thresholds where their form changes."""

import math

import numpy as np
import pytest

from loadstore.cli.options import p_text, plain, print_table
from loadstore.cli.question import as_ids, named
from loadstore.errors import BadRequest


@pytest.mark.parametrize(
    ("p", "text"),
    [(0.01, 0.01), (0.0099, "1e-02"), (0.5, 0.5), (3e-12, "3e-12"), (0.0, "<1e-300")],
)
def test_a_small_p_keeps_its_magnitude(p: float, text: float | str) -> None:
    assert p_text(p) == text


def test_a_p_that_is_undefined_stays_so() -> None:
    assert math.isnan(float(p_text(math.nan)))


def test_numbers_of_ten_and_more_have_one_digit(capsys: pytest.CaptureFixture[str]) -> None:
    print_table("t", ("name", "value"), [["a", 9.9999], ["b", 10.0], ["c", -9.5], ["d", -123.456], ["e", math.nan]])
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[2:] == [["a", "10.000"], ["b", "10.0"], ["c", "-9.500"], ["d", "-123.5"], ["e", "–"]]


def test_what_is_undefined_is_null_in_json() -> None:
    given = {"a": math.nan, 3: [math.inf, -math.inf, 0.5], "b": (np.float64("nan"), np.int64(2))}
    assert plain(given) == {"a": None, "3": [None, None, 0.5], "b": [None, 2]}


def test_a_token_is_named_by_its_text_or_where_the_prompt_is_ids_by_its_id() -> None:
    assert named(" on", None, "--predict") == " on"
    assert named("17", None, "--predict") == "17"
    assert named("17", "0,17", "--predict") == 17
    assert named(None, "0,17", "--predict") is None
    assert as_ids("0,17,-4") == [0, 17, -4]
    with pytest.raises(BadRequest, match=r"--predict ' on': expected whole numbers between commas"):
        named(" on", "0,17", "--predict")
