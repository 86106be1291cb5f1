"""metrics.jsonl survives torn writes, and refuses what was not its own doing."""

import json
from pathlib import Path

import pytest

from loadstore.errors import BadRequest
from loadstore.training.history import History, read_lines

WHOLE = [{"step": 0, "x": 1.5}, {"step": 4, "x": None}, {"step": 8, "x": "ü"}]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "metrics.jsonl"
    history = History(path, 0, 3)
    for line in WHOLE:
        history.add(line)
    return path


def test_a_last_line_torn_at_any_byte_is_left_out(file: Path):
    data = file.read_bytes()
    last = len(data) - data.rindex(b"\n", 0, -1) - 1
    for missing in range(2, last + 1):  # the line end alone may be missing: the line is whole then
        file.write_bytes(data[:-missing])
        assert read_lines(file) == WHOLE[:2]
    file.write_bytes(data[:-1])
    assert read_lines(file) == WHOLE


def test_a_resumed_history_drops_what_will_be_measured_again(file: Path):
    file.write_bytes(file.read_bytes() + b'{"step": 10, "x"')
    history = History(file, 8, 3)
    assert history.lines == WHOLE[:2]
    history.add(WHOLE[2])
    assert [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()] == WHOLE


def test_a_line_that_is_wrong_and_not_the_last_is_named(file: Path):
    lines = file.read_text(encoding="utf-8").splitlines()
    file.write_text("\n".join([lines[0], "no", *lines[1:]]), encoding="utf-8")
    with pytest.raises(BadRequest, match=r"line 2 of .*metrics\.jsonl is damaged"):
        History(file, 8, 3)


def test_empty_lines_at_the_end_are_nothing_and_a_file_that_cannot_be_read_is_named(file: Path) -> None:
    file.write_bytes(file.read_bytes() + b"\n\n")
    assert read_lines(file) == WHOLE
    file.unlink()
    file.mkdir()
    with pytest.raises(BadRequest, match=r"metrics\.jsonl cannot be read"):
        read_lines(file)
