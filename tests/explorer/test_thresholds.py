"""Where the explorer refuses, cuts off or draws: at, just below and just above, on values by hand."""

import socket

import numpy as np
import pytest
import xarray as xr
from loops import run_apart
from tiny import Kind, tiny

from loadstore.explorer import prompt, runs, serve, wires, work
from loadstore.explorer.memory import LIT, MASS, _lit
from loadstore.explorer.runs import Runs, TooLong
from loadstore.figures.wires.pieces import LEVEL
from loadstore.views.figures import figure

MODEL = tiny(Kind("learned", "none", False), n_layers=1, n_heads=1)


def test_an_edge_is_a_wire_whose_q_is_at_most_the_level(monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[np.ndarray] = []
    above, small, below = 0.3, 1e-9, -0.3
    q, alignment = [LEVEL, LEVEL - 1e-9, LEVEL + 1e-9, 0.0, 0.0, 0.0], [above, above, above, below, small, 0.0]
    table = {name: (("writer", "reader"), np.array(v)[:, None]) for name, v in (("alignment", alignment), ("q", q))}
    coords = {"writer": [f"L0.H{i}" for i in range(6)], "reader": ["L1.H0.Q"]}
    scores = xr.Dataset(table, coords=coords)
    monkeypatch.setattr(wires.of_model, "scores", lambda *_: scores)
    monkeypatch.setattr(wires, "scores_figure", lambda _: figure("Scores", "", "", []))
    monkeypatch.setattr(wires, "_graph", lambda _, __, values, *___: found.append(values) or {})
    told = wires.aligned(MODEL, lambda *_: None)
    assert LEVEL == 0.01
    assert (found[0][:, 0] > 0).tolist() == [True, True, False, False, True, False]
    assert "adjusted for all 6 wires. 3 are; wires at or below chance are not drawn." in told["graph"]["rule"]


def loads(shares: list[float]) -> xr.Dataset:
    """Loads of one store on one side of one head, by query; the other sides do not load."""
    values = np.full((1, 3, len(shares)), np.nan)
    values[0, 0] = shares
    dims = ("head", "side", "query")
    coords = {"head": ["L1.H0"], "query": range(len(shares)), "token": ("query", [str(i) for i in range(len(shares))])}
    return xr.Dataset({"share": (dims, values), "traffic": (dims, np.abs(values))}, coords=coords)


def lit(*shares: float, by: str = "share") -> int:
    """How many loads are lit."""
    found, others = _lit(loads(list(shares)), by)
    assert others["count"] == len(shares) - len(found)
    return len(found)


def test_loads_are_lit_until_they_hold_nine_tenths() -> None:
    assert (MASS, LIT) == (0.9, 48)
    assert lit(9.0, 1.0) == 1
    assert lit(8.99, 1.01) == 2
    assert lit(9.01, 0.99) == 1
    assert lit(-9.0, 1.0) == 1
    assert lit(-8.99, 1.01) == 2


@pytest.mark.parametrize(("by", "most"), [("share", LIT), ("traffic", LIT // 3)])
def test_no_more_loads_are_lit_than_can_be_told_apart(by: str, most: int) -> None:
    for count in (most, most + 1):
        assert lit(*[1.0] * (count * 2), by=by) == most
    assert lit(*[1.0] * (most - 1), by=by) < most


def test_a_prompt_is_shown_up_to_the_most_tokens() -> None:
    assert Runs(MODEL).most == MODEL.architecture.context == 10
    assert Runs(MODEL).make([1] * 10)[1].tokens.shape == (1, 10)
    assert Runs(MODEL).make([1] * 9)[1].tokens.shape == (1, 9)


@pytest.mark.parametrize("bound", ["TOKENS", "PATTERNS"])
def test_it_is_refused_one_token_beyond(monkeypatch: pytest.MonkeyPatch, bound: str) -> None:
    monkeypatch.setattr(runs, bound, 4 if bound == "TOKENS" else 4 * 4**2)  # bytes of one head's pattern of 4 tokens
    assert Runs(MODEL).most == 4
    assert Runs(MODEL).make([1, 2, 3, 4])[1].tokens.shape == (1, 4)
    with pytest.raises(TooLong, match="the prompt has 5 tokens; the explorer shows at most 4"):
        Runs(MODEL).make([1, 2, 3, 4, 5])


def test_the_newest_run_is_kept_whatever_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "RECORDED", 0)
    known = Runs(MODEL)
    name, trace = known.make([1, 2])
    assert known.get(name) is trace
    known.make([3, 4])
    assert known.get(name) is not trace


@pytest.mark.parametrize(("room", "kept"), [(0, True), (-1, False), (1, True)])
def test_runs_are_kept_up_to_their_bytes(monkeypatch: pytest.MonkeyPatch, room: int, *, kept: bool) -> None:
    known = Runs(MODEL)
    name, trace = known.make([1, 2])
    monkeypatch.setattr(runs, "RECORDED", 2 * runs._size(trace) + room)
    known.make([3, 4])
    assert (known.get(name) is trace) == kept


def test_names_are_kept_up_to_their_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "NAMES", 2)
    known = Runs(MODEL)
    first, second = (known.make([token])[0] for token in (1, 2))
    assert known.get(first).tokens.tolist() == [[1]]
    known.make([3])
    with pytest.raises(runs.NoSuchRun):
        known.get(first)
    assert known.get(second).tokens.tolist() == [[2]]


def test_five_predictions_are_told_or_as_many_as_there_are() -> None:
    trace = runs.run(MODEL, [1, 2], record=True)
    assert len(prompt.predicted(trace, 1)) == prompt.PREDICTED == 5
    assert len(prompt.predicted(trace, 1, 17)) == len(prompt.predicted(trace, 1, 18)) == 17


@pytest.mark.parametrize(("name", "most"), [("quick", work.WAITING), ("slow", work.QUEUED)])
def test_a_question_waits_while_there_is_room(name: str, most: int) -> None:
    async def ask() -> None:
        pools = work.Work()
        pools._waiting[name] = most - 1
        assert await pools._begin(name, most, lambda: 7) == 7
        pools._waiting[name] = most
        with pytest.raises(work.Busy, match=f"{most} questions are waiting"):
            pools._begin(name, most, lambda: 7)
        pools.close()

    run_apart(ask())


@pytest.mark.parametrize(("free", "count"), [(8421, 1), (8440, 20), (0, 21)])
def test_the_first_free_of_twenty_ports_is_taken_and_then_any(
    monkeypatch: pytest.MonkeyPatch, free: int, count: int
) -> None:
    tried: list[int] = []

    class Socket(socket.socket):
        def bind(self, where: tuple[str, int]) -> None:
            tried.append(where[1])
            if where[1] != free:
                raise OSError(98, "in use")

        def listen(self, backlog: int = 0) -> None:
            """Nobody connects."""

    monkeypatch.setattr(socket, "socket", Socket)
    serve._listen("127.0.0.1", None).close()
    assert tried == [*range(8421, 8441), 0][:count]
    assert tried[-1] == free
