"""Switching the wires of a task's circuit: F is that of exactly the wires that are on, and little is kept."""

from typing import Any

import pytest
from each import each
from served import Client, on_builtin, serving
from tiny import FEW, tiny

import loadstore as ls
from loadstore.circuits.task import Task
from loadstore.errors import BadRequest, Undefined
from loadstore.explorer import switchable
from loadstore.explorer.newest import Newest
from loadstore.explorer.state import Document, Explorer
from loadstore.explorer.switchable import NoSuchCircuit, Switchable, places_of
from loadstore.explorer.table import answered
from loadstore.views.base import plain

PAIRS = 24
HERE = {"circuit": "induction F>=.85 24"}


def quietly(done: int, of: int) -> None:
    """Nobody looks at the progress."""


@pytest.fixture(scope="module")
def explorer() -> Explorer:
    return on_builtin("the cat")


@pytest.fixture(scope="module")
def found(explorer: Explorer) -> Document:
    return answered("circuit/find", explorer, {"task": "induction", "pairs": PAIRS})(quietly)


@pytest.fixture(scope="module")
def kept(explorer: Explorer, found: Document) -> Switchable:
    kept = explorer.circuits.get(found["circuit"])
    assert kept is not None
    return kept


@pytest.fixture(scope="module")
def task(explorer: Explorer) -> Task:
    return ls.task(explorer.weights, "induction", pairs=PAIRS)


def test_every_wire_is_in_one_part_of_one_load(found: Document, kept: Switchable) -> None:
    parts = [part for load in found["loads"] for part in load["parts"]]
    assert sorted(wire for part in parts for wire in part["wires"]) == list(range(len(kept.circuit)))
    assert sum(load["share"] for load in found["loads"]) == pytest.approx(1)
    assert [kept.groups[part["id"]] for part in parts] == [part["wires"] for part in parts]
    for load in found["loads"]:
        assert sorted(kept.groups[load["id"]]) == sorted(wire for part in load["parts"] for wire in part["wires"])
    named = [(part["wires"][0], part["each"][0]["name"]) for part in parts]
    assert named == [(wire, " → ".join(map(str, kept.circuit.wires[wire]))) for wire, _ in named]


def test_f_is_that_of_exactly_the_wires_that_are_on(
    explorer: Explorer, found: Document, kept: Switchable, task: Task
) -> None:
    middle = found["loads"][1]
    off = {*middle["parts"][0]["wires"], found["loads"][-1]["parts"][0]["wires"][0]}
    fields = {"circuit": found["circuit"], "off": [middle["parts"][0]["id"]], "wires": sorted(off)[:1] + sorted(off)}
    answer = answered("circuit/switch", explorer, fields)
    same = ls.faithfulness(kept.circuit.without([kept.circuit.wires[index] for index in off]), task.judge)
    assert answer["on"] == len(kept.circuit) - len(off)
    assert answer["faithfulness"] == pytest.approx(float(same.faithfulness), rel=1e-4)
    assert (answer["low"], answer["high"]) == pytest.approx((float(same.low), float(same.high)), rel=1e-4)
    assert answer["change"] == pytest.approx(answer["faithfulness"] - found["whole"]["faithfulness"])
    assert answer["faithfulness"] < found["whole"]["faithfulness"] - 0.1


def test_everything_off_is_0_and_everything_on_the_circuit(explorer: Explorer, found: Document, task: Task) -> None:
    circuit = ls.circuit(ls.attribute(task), "F>=.85", on=task.choose)
    on = answered("circuit/switch", explorer, {"circuit": found["circuit"]})
    assert on["faithfulness"] == pytest.approx(float(ls.faithfulness(circuit, task.judge).faithfulness), rel=1e-4)
    assert on["faithfulness"] == pytest.approx(found["judged"]["faithfulness"], rel=1e-4)
    assert (on["change"], on["cut"].arcs) == (0, ())
    off = answered(
        "circuit/switch", explorer, {"circuit": found["circuit"], "off": [load["id"] for load in found["loads"]]}
    )
    assert (off["faithfulness"], off["on"]) == (0, 0)
    assert len(off["cut"].arcs) == len(found["picture"].arcs)
    assert off["cut"].kept < 0.01


def test_the_arcs_that_break_are_those_whose_wires_are_all_off(explorer: Explorer, found: Document) -> None:
    drawn = explorer.pictures.get((found["circuit"], 0))
    assert drawn is not None
    for load in found["loads"]:
        wires = {tuple(single["name"].split(" → ")) for part in load["parts"] for single in part["each"]}
        answer = answered("circuit/switch", explorer, {"circuit": found["circuit"], "off": [load["id"]]})
        broken = [index for index, edge in enumerate(drawn.graph.edges) if set(edge.wires) <= wires]
        assert list(answer["cut"].arcs) == broken != []
    assert len(found["loads"][0]["parts"][0]["wires"]) == 2  # both are drawn as one arc
    half = answered(
        "circuit/switch", explorer, {"circuit": found["circuit"], "wires": [found["loads"][0]["parts"][0]["wires"][0]]}
    )
    assert half["cut"].arcs == ()
    assert half["cut"].said.endswith("1 drawn load lost some wires.")


def test_another_pair_is_drawn_as_in_python(explorer: Explorer, found: Document, kept: Switchable, task: Task) -> None:
    fields = {"circuit": found["circuit"], "pair": 2}
    assert answered("circuit/switch", explorer, fields)["cut"] is None  # that pair is not drawn yet
    other = answered("circuit/picture", explorer, fields)(quietly)
    assert plain(other["picture"]) == plain(ls.picture(kept.circuit, task.judge, index=2).view)
    assert answered("circuit/switch", explorer, fields)["cut"].arcs == ()


def test_a_kept_circuit_is_not_found_again(explorer: Explorer, found: Document) -> None:
    again = answered("circuit/find", explorer, {"task": "induction", "pairs": PAIRS})(
        lambda done, of: pytest.fail("it is kept")
    )
    assert plain(again["picture"]) == plain(found["picture"])
    assert found["circuit"] in answered("circuit/tasks", explorer, {})["kept"]


@each(
    "call, fields, kind, message",
    [
        ("switch", {"circuit": "ioi"}, NoSuchCircuit, "ioi"),
        ("switch", {}, BadRequest, "circuit: expected a text"),
        ("switch", HERE | {"off": [5]}, BadRequest, "off: there is no 5 here; this circuit has 0 to 4"),
        ("switch", HERE | {"off": [-1]}, BadRequest, "off: there is no -1"),
        ("switch", HERE | {"wires": [10]}, BadRequest, "wires: there is no 10 here; this circuit has 0 to 9"),
        ("switch", HERE | {"wires": [True]}, BadRequest, "wires: expected a list of whole numbers"),
        ("switch", HERE | {"wires": [0] * 16_385}, BadRequest, "wires: "),
        ("switch", HERE | {"pair": 12}, BadRequest, "pair: there are 0 to 11; got 12"),
        ("picture", HERE | {"pair": -1}, BadRequest, "pair: there are 0 to 11"),
        ("find", {"task": "../x.jsonl"}, BadRequest, "task: expected 'ioi', 'greater_than', "),
        ("find", {"task": "ioi", "size": "F>=x"}, BadRequest, "size='F>=x'"),
        ("find", {"task": "ioi", "size": "1" * 25}, BadRequest, "size: 25 characters; at most 24"),
        ("find", {"task": "ioi", "pairs": 7}, BadRequest, "pairs: 8 to 128; got 7"),
        ("find", {"task": "ioi", "pairs": 129}, BadRequest, "pairs: 8 to 128; got 129"),
    ],
)
def test_what_is_not_there_is_refused(
    explorer: Explorer, found: Document, call: str, fields: dict[str, Any], kind: type[Exception], message: str
) -> None:
    assert found["circuit"] == HERE["circuit"]
    with pytest.raises(kind, match=message):
        answered(f"circuit/{call}", explorer, fields)


def test_a_task_that_is_not_solved_and_one_without_a_tokenizer_are_refused(explorer: Explorer) -> None:
    with pytest.raises(Undefined, match="builtin does not solve hypernymy"):
        answered("circuit/find", explorer, {"task": "hypernymy", "pairs": 16})(quietly)
    with pytest.raises(Undefined, match="tokenizer"):
        answered("circuit/find", Explorer(tiny(FEW[0]), [1, 2]), {"task": "ioi"})(quietly)


def test_the_server_answers_with_the_documented_status(explorer: Explorer, found: Document) -> None:
    with serving(explorer) as served:
        client = Client(served.address)
        status, answer = client.ask("circuit/switch", circuit="gone")
        assert (status, answer["error"]["kind"]) == (404, "circuit")
        status, answer = client.ask("circuit/switch", circuit=found["circuit"], off=[5])
        assert (status, answer["error"]["kind"]) == (422, "bad")
        status, answer = client.ask("circuit/switch", circuit=found["circuit"], off=[0])
        assert status == 200
        assert 0 < answer["faithfulness"] < 0.9
        status, lines = client.ask("circuit/find", task="induction", pairs=PAIRS)
        assert (status, lines[-1]["result"]["circuit"]) == (200, found["circuit"])
        assert client.ask("circuit/none")[0] == 404


def test_few_circuits_are_kept_and_the_oldest_goes(explorer: Explorer, kept: Switchable) -> None:
    other = Explorer(explorer.weights, "the cat")
    for name in "abcd":
        other.circuits.put(name, kept)
    assert other.circuits.keys == ("b", "c", "d")
    newest = Newest[str, int](2)
    newest.put("a", 1)
    newest.put("b", 2)
    assert newest.get("a") == 1
    newest.put("c", 3)
    assert (newest.get("b"), newest.keys) == (None, ("a", "c"))


def test_a_large_model_runs_six_of_the_pairs_to_judge(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    assert places_of(task) == list(range(12))
    monkeypatch.setattr(switchable, "SMALL", 23)  # the built-in model has 24 heads
    assert places_of(task) == [0, 2, 4, 6, 8, 10]
