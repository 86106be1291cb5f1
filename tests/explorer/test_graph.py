"""The wires that the graph draws, and the loads that a store lights: how many, in which order, and what they hold."""

import numpy as np
import pytest
import xarray as xr

from loadstore.explorer import memory, wires
from loadstore.explorer.memory import _lit
from loadstore.explorer.wires import _graph
from loadstore.scores.measures import edge_details
from loadstore.sites import SIDES

GROUPS = [("heads", "nats", [0, 1]), ("unembed", "logits", [2])]


def graph(values: list[list[float]], power: int = 1) -> dict:
    table = xr.Dataset(
        {name: (("writer", "reader"), np.array(values)) for name in ("traffic", *edge_details("traffic"))},
        {"writer": ["embed", "pos"], "reader": ["L0.H0.Q", "L0.H0.K", "unembed"]},
    )
    return _graph(table, "traffic", np.nan_to_num(np.array(values)), GROUPS, power)


def test_wires_are_ranked_by_their_part_of_their_own_group() -> None:
    found = graph([[3.0, 1.0, 800.0], [0.0, 4.0, 200.0]])
    assert [(i, j) for i, j, *_ in found["wires"]] == [(0, 2), (1, 1), (0, 0), (1, 2), (0, 1)]
    heads, unembed = found["groups"]
    assert (heads["exist"], heads["count"], heads["mass"], heads["held"]) == (4, 3, 8.0, 1.0)
    assert (unembed["exist"], unembed["count"], unembed["mass"], unembed["sent"]) == (2, 2, 1000.0, 2)


def test_the_mass_of_traffic_is_its_square() -> None:
    heads, unembed = graph([[3.0, 1.0, 2.0], [0.0, 4.0, np.nan]], power=2)["groups"]
    assert (heads["mass"], unembed["mass"], unembed["exist"], unembed["count"]) == (26.0, 4.0, 1, 1)


def test_no_more_wires_travel_than_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    assert wires.MOST == 20_000
    monkeypatch.setattr(wires, "MOST", 2)
    found = graph([[3.0, 1.0, 800.0], [0.0, 4.0, 200.0]])
    assert [(i, j) for i, j, *_ in found["wires"]] == [(0, 2), (1, 1)]
    assert [(group["sent"], group["held"]) for group in found["groups"]] == [(1, 0.5), (1, 0.8)]


def test_numbers_travel_with_four_digits() -> None:
    assert [wire[3] for wire in graph([[1 / 3, 0.0, 0.0], [0.0, 0.0, 0.0]])["wires"]] == [0.3333]


def loads(share: list[float], traffic: list[float]) -> xr.Dataset:
    """Loads of one head by one query a value, the sides in turn."""
    values = {name: np.full((1, 3, len(share)), np.nan) for name in ("share", "traffic")}
    for query, numbers in enumerate(zip(share, traffic, strict=True)):
        for name, number in zip(values, numbers, strict=True):
            values[name][0, query % 3, query] = number
    return xr.Dataset(
        {name: (("head", "side", "query"), value) for name, value in values.items()},
        {"head": ["L1.H0"], "side": list(SIDES), "token": ("query", [str(query) for query in range(len(share))])},
    )


@pytest.mark.parametrize(
    ("share", "lit"),
    [
        ([0.9, 0.1], [0]),  # nine tenths exactly
        ([0.89, 0.11], [0, 1]),
        ([0.05, -0.9, 0.05], [1]),  # by size, whatever its sign
        ([0.2, 0.3, 0.5], [2, 1, 0]),
    ],
)
def test_loads_are_lit_until_they_hold_nine_tenths(share: list[float], lit: list[int]) -> None:
    found, others = _lit(loads(share, [1.0] * len(share)), "share")
    assert [load["query"] for load in found] == lit
    assert others["count"] == len(share) - len(lit)
    held = sum(abs(one) for query, one in enumerate(share) if query not in lit)
    assert others["held"] == pytest.approx(held)


def test_by_traffic_every_side_has_its_own_third_of_the_lights(monkeypatch: pytest.MonkeyPatch) -> None:
    assert memory.LIT == 48
    monkeypatch.setattr(memory, "LIT", 3)
    found, others = _lit(loads([0.1] * 6, [5.0, 400.0, 3.0, 6.0, 300.0, 2.0]), "traffic")
    assert [(load["side"], load["query"]) for load in found] == [("Q", 3), ("K", 1), ("V", 2)]
    assert others == {"count": 3, "held": None}
