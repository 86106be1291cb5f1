"""A message names the thing and the way out, and no text of a stranger floods a terminal with it."""

from loadstore.errors import LoadstoreError


def test_a_message_of_more_than_1500_characters_loses_its_middle_and_keeps_the_way_out() -> None:
    for length in (1_499, 1_500):
        assert str(LoadstoreError("a" * length)) == "a" * length
    long = str(LoadstoreError("a" * 1_000 + "b" * 501 + "; leave it out"))
    assert len(long) == 1_500
    assert long.startswith("a" * 899 + "…")
    assert long.endswith("b; leave it out")
    escaped = str(LoadstoreError("\x1b" * 1_000))  # four characters each, when they are shown
    assert len(escaped) == 1_500
