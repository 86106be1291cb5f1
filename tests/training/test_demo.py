"""The demonstration watches, judges from what it measured, and exits by it."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

import loadstore as ls
from loadstore.cli.plot import log_plot, sparkline
from loadstore.errors import BadRequest
from loadstore.report.formation import formation_document
from loadstore.training.formation import formation, verdict, window
from loadstore.training.history import Line, read_lines
from loadstore.views.base import plain

pytestmark = pytest.mark.alone

SMALL = Path(__file__).with_name("small.toml")
LINE = [sys.executable, "-m", "loadstore", "demo-induction", "--recipe", str(SMALL), "-o"]


def lines(scores: list[float]) -> list[Line]:
    """A run whose head L1.H0 has these induction scores, one a doubling of its steps."""
    return [
        {
            "step": step,
            "tokens": 100 * step,
            "induction": {"L0.H0": 0.2, "L1.H0": score},
            "previous": {"L0.H0": 0.6, "L1.H0": 0.9},
            "first_copy_loss": 6.0,
            "second_copy_loss": 6.0 - 6 * score,
        }
        for step, score in zip([0, *(2**k for k in range(20))], scores, strict=False)
    ]


def test_a_run_without_a_terminal_prints_lines_writes_a_page_and_a_model_and_exits_1_where_no_head_formed(
    tmp_path: Path,
):
    done = subprocess.run([*LINE, str(tmp_path / "out")], capture_output=True, text=True, timeout=300)
    assert done.returncode == 1, done.stderr
    assert "\x1b" not in done.stdout + done.stderr
    assert "step 12/12" not in done.stdout  # a line every 25 steps
    assert "no induction head formed" in done.stdout
    page = (tmp_path / "out" / "formation.html").read_text(encoding="utf-8")
    assert "loadstore/lines@1" in page
    assert "http" not in page.split('id="loadstore-data">')[1].split("</script>")[0]
    last = done.stdout.splitlines()[-1]
    model = ls.load(str(tmp_path / "out" / "small.safetensors"))
    assert f"loadstore report {tmp_path / 'out' / 'small.safetensors'} --prompt" in last
    assert len(ls.run(model, last.split('"')[1]).logits) == 13  # BOS and six words twice
    measured = read_lines(tmp_path / "out" / "metrics.jsonl")
    found = formation(measured)
    assert found.score[-1] == max(measured[-1]["induction"].values())
    views = formation_document(model, found).sections[0].figures[0].views
    assert json.dumps(plain(views), allow_nan=False)


def test_in_a_terminal_the_picture_is_live(tmp_path: Path):
    here, there = pty.openpty()
    env = {**os.environ, "TERM": "xterm", "COLUMNS": "100", "LINES": "30"}
    with subprocess.Popen([*LINE, str(tmp_path / "out")], stdout=there, stderr=there, env=env) as process:
        os.close(there)
        shown = b""
        while True:
            try:
                part = os.read(here, 65536)
            except OSError:  # Linux ends a terminal whose program has gone with an error
                break
            if not part:
                break
            shown += part
    os.close(here)
    assert process.returncode == 1
    for words in ("first copies", "second copies", "previous token", "induction", "12/12", "\x1b["):
        assert words.encode() in shown


def test_an_induction_head_that_formed_is_named_with_its_window():
    found = formation(lines([0.0, 0.0, 0.0, 0.1, 0.9, 1.0]))
    assert found.formed
    assert (found.head, found.previous_head) == ("L1.H0", "L0.H0")
    assert found.began is not None
    assert found.ended is not None
    assert (round(found.began.step, 9), round(found.ended.step, 9)) == (4, 8)
    assert "an induction head formed: L1.H0 ends with 1.00" in verdict(found)
    assert "between step 4 and 8, 400 and 800 tokens" in verdict(found)


@pytest.mark.parametrize("name", ["induction", "previous", "tokens", "second_copy_loss"])
def test_measured_lines_that_lack_something_are_refused(name: str):
    whole = lines([0.0, 0.5, 1.0])
    with pytest.raises(BadRequest, match="the measured lines of this run are damaged"):
        formation([{key: value for key, value in line.items() if key != name} for line in whole])


def test_at_the_threshold_itself_none_formed():
    assert not formation(lines([0.0, 0.5, 0.9])).formed
    assert formation(lines([0.0, 0.5, 0.91])).formed


@pytest.mark.parametrize(
    ("score", "expected"),
    [
        ([0.0, 1.0], (0.1, 0.9)),  # between two measurements, on the straight line
        ([0.0, 0.6, 0.0, 1.0], (2.1, 2.9)),  # what rose and fell again is not the moment
        ([0.2, 0.2, 1.2, 1.2], (1.1, 1.9)),  # a rise is counted from where it began
        ([0.5, 0.4], None),
    ],
)
def test_the_window_is_from_a_tenth_to_nine_tenths_of_the_rise(
    score: list[float], expected: tuple[float, float] | None
):
    steps = list(range(len(score)))
    began, ended = window(steps, [10 * step for step in steps], score)
    if expected is None:
        assert (began, ended) == (None, None)
        return
    assert began is not None
    assert ended is not None
    assert (began.step, ended.step) == pytest.approx(expected)
    assert began.tokens == pytest.approx(10 * began.step)


def test_a_text_plot_puts_points_where_they_belong():
    rows = log_plot("a step", [0, 1, 10, 100, 1000, 10000], [9.0, 0.0, 0.0, 1.0, 1.0, 1.0], [100.0], width=5, height=3)
    assert rows[1:4] == ["   1.00 │  ●●●", "        │  ┊  ", "   0.00 │●●┊  "]
    assert rows[0].strip() == "a step"
    assert sparkline([0.0, 0.5, 1.0, 2.0], 0.0, 1.0, 3) == "▅██"
