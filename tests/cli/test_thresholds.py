"""Where the command line changes its words: at, just below and just above."""

import math

import numpy as np
import pytest
import xarray as xr

from loadstore.cli import analyse, channels, head, models, options, patch
from loadstore.evidence.head_facts import WireScore
from loadstore.model.weights import Weights


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (5.0, ""),
        (4.99, ""),
        (5.01, "about 5 s"),
        (119.9, "about 120 s"),
        (120.0, "about 2 min"),
        (120.1, "about 2 min"),
    ],
)
def test_a_sweep_is_announced_above_five_seconds(seconds: float, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    patch._announce(seconds)
    said = capsys.readouterr().err
    assert said == (f"{told} for all of these wires (measured on the first of them)\n" if told else "")


def test_a_small_p_keeps_its_magnitude() -> None:
    assert [options.p_text(p) for p in (0.01, 0.0099, 0.0101, 0.0)] == [0.01, "1e-02", 0.0101, "<1e-300"]
    assert options.p_text(5e-324) == "5e-324"
    assert math.isnan(float(options.p_text(math.nan)))


def test_a_number_of_a_table_has_three_digits_below_ten() -> None:
    told = [options._text(value) for value in (10.0, 9.9999, 10.01, -10.0, -9.99, math.nan, 7, "x")]
    assert told == ["10.0", "10.000", "10.0", "-10.0", "-9.990", "–", "7", "x"]


def test_sizes_and_times_have_a_unit_that_suits() -> None:
    assert [models._bytes(size) for size in (1e9, 0.999e9, 1e6, 0.999e6)] == ["1.0 GB", "999 MB", "1 MB", "999 kB"]
    assert [models._time(s) for s in (0.0099, 0.01, 0.99, 1.0)] == ["under 10 ms", "0.01 s", "0.99 s", "1 s"]
    assert [models._time(s) for s in (119.0, 119.9, 120.0)] == ["119 s", "120 s", "2 min"]


def heads_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], count: int, named: int, **how: bool
) -> str:
    """What `heads` prints of so many heads, so many of which have a role."""
    from loadstore.heads import roles
    from loadstore.heads.patterns import ROLES

    names = [f"L0.H{index}" for index in range(count)]
    score = np.where(np.arange(count) < named, 0.9, 0.1)
    columns = {role: ("head", score if role == "previous" else np.full(count, 0.1)) for role in ROLES}
    columns |= {f"{role}_se": ("head", np.zeros(count)) for role in ROLES}
    table = xr.Dataset(columns, coords={"head": names}, attrs={"sequences": 2})
    known = Weights.__new__(Weights)
    object.__setattr__(known, "name", "tiny")
    object.__setattr__(known, "tokens", None)
    monkeypatch.setattr(analyse, "open_model", lambda *_, **__: known)
    monkeypatch.setattr(roles, "head_roles", lambda *_, **__: table)
    monkeypatch.setattr("loadstore.cost.table.expected", lambda *_: 0.0)
    analyse.heads(**how)
    return capsys.readouterr().out


@pytest.mark.parametrize(("count", "shown"), [(64, 64), (63, 63), (65, 1)])
def test_up_to_64_heads_are_all_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], count: int, shown: int
) -> None:
    told = heads_told(monkeypatch, capsys, count, 1)
    table = told[: told.index("Heads with more than half")]
    assert table.count("L0.H") == shown
    assert ("are not shown" in told) == (shown < count)
    assert heads_told(monkeypatch, capsys, count, 1, every=True).count("L0.H") == count + 1


@pytest.mark.parametrize(("named", "told"), [(12, ""), (11, ""), (13, " and 1 more"), (0, "none")])
def test_twelve_names_of_a_role_are_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], named: int, told: str
) -> None:
    said = heads_told(monkeypatch, capsys, 20, named)
    (line,) = [one for one in said.splitlines() if one.startswith("  previous: ")]
    assert line.count("L0.H") == min(named, 12)
    assert line.endswith(told) if told else "more" not in line


def test_a_reader_that_is_not_reached_is_no_reader_of_a_channel() -> None:
    from loadstore.scores.channels import MEASURES

    numbers = {name: (("channel", "reader"), np.array([[0.2, 0.0, math.nan, 1e-9]])) for name in MEASURES}
    own = {name: ("channel", [1.0]) for name in channels.OF_CHANNEL}
    coords = {"channel": [1], "reader": ["a", "b", "c", "d"]}
    (found,) = channels._document(xr.Dataset(numbers | own, coords=coords), [])["channels"]
    assert [reader["reader"] for reader in found["readers"]] == ["a", "d"]


def test_a_wire_of_a_head_says_whether_it_stands_above_chance() -> None:
    told = head._wires([WireScore("embed", "L1.H0.Q", 0.1, 1.0, p, above=p < 0.01) for p in (0.0, 5e-324, 0.01)])
    assert [row[4:] for row in told] == [["<1e-300", "above chance"], ["5e-324", "above chance"], ["1e-02", "–"]]
