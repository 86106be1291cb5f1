"""The server prints the first message of a kind, and one count of it a minute."""

import logging

import pytest

from loadstore.explorer.quiet import EVERY, KINDS, LONGEST, Quiet


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_thousand_messages_are_two_lines(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    quiet = Quiet(clock)
    for _ in range(1000):
        quiet.tell("too many")
    assert capsys.readouterr().err == "loadstore explore: too many\n"
    clock.now = EVERY - 0.1
    quiet.summarise()
    assert capsys.readouterr().err == ""
    clock.now = EVERY
    quiet.summarise()
    assert capsys.readouterr().err == "loadstore explore: too many: 999 more in 60 seconds\n"
    quiet.tell("too many")
    assert capsys.readouterr().err == ""
    clock.now = 3 * EVERY
    quiet.summarise()
    assert "1 more" in capsys.readouterr().err
    clock.now = 4 * EVERY
    quiet.summarise()
    quiet.tell("too many")
    assert capsys.readouterr().err == "loadstore explore: too many\n"


def test_kinds_without_end_are_bounded_too(capsys: pytest.CaptureFixture[str]) -> None:
    quiet = Quiet(Clock())
    for index in range(1000):
        quiet.tell(f"kind {index}")
    assert len(capsys.readouterr().err.splitlines()) <= KINDS + 1


def test_values_in_a_log_message_make_no_kind_of_their_own(capsys: pytest.CaptureFixture[str]) -> None:
    logger = logging.getLogger("loadstore-test-quiet")
    logger.propagate = False
    handler = Quiet(Clock())
    logger.addHandler(handler)
    for index in range(50):
        logger.warning("from %s", index)
    logger.removeHandler(handler)
    assert capsys.readouterr().err == "loadstore explore: from %s\n"


def test_a_traceback_is_printed_once_bounded_and_in_visible_characters(capsys: pytest.CaptureFixture[str]) -> None:
    quiet = Quiet(Clock())
    for _ in range(3):
        try:
            raise ValueError("\x1b[31m\u202e" + "x" * 100_000)
        except ValueError as error:
            quiet.tell("an error in", error)
    told = capsys.readouterr().err
    assert told.count("Traceback") == 1
    assert len(told) < LONGEST + 100
    assert "\\x1b[31m\\u202e" in told
    assert "\x1b" not in told
