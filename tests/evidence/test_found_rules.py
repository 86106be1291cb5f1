"""Induction circuits: which pairs are beyond their controls, and the rank of their traffic, from numbers by hand."""

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from hostile import unchecked

from loadstore.evidence import found
from loadstore.sites import Reader, Writer

READER = Reader(1, 0, "K")
WIRE = (Writer("head", 0, 0), READER)
OTHERS = [(Writer("head", 0, index), READER) for index in (1, 2)]
SIZES = {WIRE[0]: 0.5, OTHERS[0][0]: 0.5, OTHERS[1][0]: 0.4, Writer("embed"): 0.9}


def caused(monkeypatch: pytest.MonkeyPatch, change: float, controls: tuple[float, float]) -> dict[str, float]:
    """The columns of one wire that changes the loss by ``change``; its two controls change it by ``controls``."""
    values = SimpleNamespace(values=np.array([change, *controls]))
    chosen = SimpleNamespace(wires=tuple(OTHERS), size=0.5)
    monkeypatch.setattr(found, "wiring", lambda _: SimpleNamespace(readers=()))
    monkeypatch.setattr(found, "sizes_on", lambda _: lambda _: SIZES)
    monkeypatch.setattr(found, "controls_of", lambda *_, **__: chosen)
    monkeypatch.setattr(found, "sweep", lambda *_, **__: SimpleNamespace(change=values, standard_error=values))
    with unchecked():
        columns = found._caused(cast("Any", SimpleNamespace(weights=None)), [WIRE], 5, 2, None)
    return {name: column[0] for name, column in columns.items()}


@pytest.mark.parametrize(
    ("change", "controls", "beyond"),
    [(0.5, (0.1, 0.2), 1.0), (-0.5, (0.1, 0.2), 0.0), (0.5, (0.1, -0.5), 0.0), (0.51, (0.1, -0.5), 1.0)],
)
def test_only_a_rise_of_the_loss_beyond_every_control_is_beyond(
    monkeypatch: pytest.MonkeyPatch, change: float, controls: tuple[float, float], beyond: float
) -> None:
    told = caused(monkeypatch, change, controls)
    assert (told["change"], told["beyond"], told["compared"]) == (change, beyond, 2)
    assert told["control"] == max(map(abs, controls))


def test_the_rank_of_traffic_counts_the_wires_that_carry_as_much_or_more(monkeypatch: pytest.MonkeyPatch) -> None:
    told = caused(monkeypatch, 0.5, (0.1, 0.2))
    assert told["traffic"] == 0.5
    assert told["traffic_rank"] == 3 / 4  # itself, one that carries as much, and embed
