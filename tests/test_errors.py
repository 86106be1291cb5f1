"""A message names the thing and the way out, and no text of a stranger floods a terminal with it."""

from loadstore.errors import LoadstoreError


def test_a_message_of_more_than_2000_characters_loses_its_middle_and_keeps_the_way_out() -> None:
    for length in (1_999, 2_000):
        assert str(LoadstoreError("a" * length)) == "a" * length
    long = str(LoadstoreError("a" * 1_500 + "b" * 501 + "; leave it out"))
    assert len(long) == 2_000
    assert long.startswith("a" * 1_299 + "…")
    assert long.endswith("b; leave it out")
    escaped = str(LoadstoreError("\x1b" * 1_000))  # four characters each, when they are shown
    assert len(escaped) == 2_000
