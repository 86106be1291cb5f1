"""The bounds of every field of a request, at them and one beyond."""

import pytest

from loadstore.errors import BadRequest
from loadstore.explorer.ask import LEAST, MOST, NAME, Ask


@pytest.mark.parametrize("value", [LEAST, LEAST + 1, 0, MOST - 1])
def test_a_number_up_to_its_bounds_is_taken(value: int) -> None:
    assert Ask({"at": value}).number("at") == value
    assert Ask({"ids": [0, value]}).numbers("ids", most=2) == [0, value]


@pytest.mark.parametrize("value", [LEAST - 1, MOST, MOST + 1])
def test_a_number_beyond_its_bounds_is_refused(value: int) -> None:
    with pytest.raises(BadRequest, match="at: expected a whole number"):
        Ask({"at": value}).number("at")
    with pytest.raises(BadRequest, match="ids: expected a list of whole numbers"):
        Ask({"ids": [0, value]}).numbers("ids", most=2)


def test_numbers_are_those_of_32_bits() -> None:
    assert (LEAST, MOST) == (-(2**31), 2**31)


def test_a_text_of_the_most_characters_is_taken_and_one_more_is_refused() -> None:
    assert Ask({"head": "x" * NAME}).text("head") == "x" * NAME
    assert Ask({"head": "x" * 3}).text("head", most=3) == "xxx"
    with pytest.raises(BadRequest, match=f"head: {NAME + 1} characters; at most {NAME}"):
        Ask({"head": "x" * (NAME + 1)}).text("head")
    with pytest.raises(BadRequest, match="at most 3"):
        Ask({"head": "xxxx"}).text("head", most=3)


def test_lists_of_the_most_parts_are_taken_and_one_more_is_refused() -> None:
    assert Ask({"ids": [1, 2, 3]}).numbers("ids", most=3) == [1, 2, 3]
    assert len(Ask({"edits": [{}, {}]}).parts("edits", most=2)) == 2
    with pytest.raises(BadRequest, match="ids: 4 numbers; at most 3"):
        Ask({"ids": [1, 2, 3, 4]}).numbers("ids", most=3)
    with pytest.raises(BadRequest, match="edits: 3 objects; at most 2"):
        Ask({"edits": [{}, {}, {}]}).parts("edits", most=2)
