"""What the walk says beside its picture: at most forty words, true at its thresholds; and a picture with its F."""

import math
from dataclasses import replace

import pytest
from each import each
from served import on_builtin

from loadstore.circuits.circuit import mask_of
from loadstore.circuits.live import live
from loadstore.evidence.whole import wires_alone
from loadstore.explorer import walk_words as words
from loadstore.explorer.ambiguity import ambiguity_of
from loadstore.explorer.circuit import Example, find_circuit, matched
from loadstore.explorer.requests import WalkRequest
from loadstore.explorer.state import Document, Explorer
from loadstore.explorer.walk import CUT, LIT, walk
from loadstore.explorer.walk_picture import PARTS, wires_of
from loadstore.sites import parse_reader, parse_writer

PROMPT = "the cat sat on the mat. the dog sat"
ABOVE = math.nextafter(0.5, 1)


@pytest.fixture(scope="module")
def explorer() -> Explorer:
    return on_builtin(PROMPT)


@pytest.fixture(scope="module")
def asked(explorer: Explorer) -> Example:
    found = explorer.once("circuit", lambda: find_circuit(explorer.weights, lambda done, of: None))[0]
    example = matched(found, *explorer.runs.make(PROMPT), 10)
    assert example is not None
    return example


@pytest.fixture(scope="module")
def steps(explorer: Explorer, asked: Example) -> list[Document]:
    return walk(explorer, WalkRequest(run=asked.name, at=10))(lambda done, of: None)["steps"]


def test_no_step_has_more_than_forty_words(steps: list[Document]) -> None:
    assert len(steps) == 6
    assert all(0 < len(step["said"].split()) <= words.WORDS for step in steps)


def test_each_step_lights_its_loads_and_one_of_them_cuts(steps: list[Document]) -> None:
    lit = [[PARTS[index] for index in step["lit"]] for step in steps[:5]]
    assert lit == [list(parts) for parts in LIT]
    assert [step["cut"] for step in steps] == [index == CUT for index in range(6)]
    view = steps[CUT]["picture"]
    (cut,) = view.cuts
    assert [view.arcs[index].port for index in cut.arcs] == ["K"]
    numbers = steps[CUT]["numbers"]
    assert cut.kept == pytest.approx(numbers["after"] / numbers["before"])
    assert all(step["picture"] is view for step in steps[:5])


def test_the_picture_prints_f_of_the_wires_that_it_draws(
    steps: list[Document], asked: Example, explorer: Explorer
) -> None:
    circuit = explorer.once("circuit", lambda: None)[0]
    wires = wires_of(circuit)
    heads = [str(head) for head in circuit.heads]
    drawn = [("embed", "V"), *[(str(circuit.previous), "K")], *[("embed", side) for side in "QV"]]
    into = [(writer, reader.rpartition(".")[2]) for writer, reader in wires if reader != "unembed"]
    assert {writer for writer, reader in wires if reader == "unembed"} == set(heads)
    assert set(into) == set(drawn)
    token = int(asked.trace.tokens[0, asked.key])
    count, share, _ = wires_alone(asked.trace, asked.at, token, wires)
    assert steps[0]["picture"].notes[0].startswith(f"F of exactly these {count} wires: {words.short(share)}.")
    network = live(explorer.weights)
    mask = mask_of(network, [(parse_writer(writer), parse_reader(reader)) for writer, reader in wires])
    assert count == int(mask.sum())
    everything = [
        (str(network.writers[row]), str(network.readers[column])) for row, column in network.exists.nonzero().tolist()
    ]
    assert wires_alone(asked.trace, asked.at, token, everything)[1] == pytest.approx(1, abs=1e-4)
    assert wires_alone(asked.trace, asked.at, token, [])[1] == 0


@each(("share", "finds"), [(0.5, False), (ABOVE, True)])
def test_a_head_finds_its_token_by_a_store_with_more_than_half_of_the_choice(
    asked: Example, explorer: Explorer, share: float, *, finds: bool
) -> None:
    circuit = explorer.once("circuit", lambda: None)[0]
    said = words.noted(asked, circuit, {"previous": 0.9, "share": share})
    assert ("finds its token by this store, whose" in said) == finds
    assert ("does not find its token by this store alone" in said) == (not finds)


def test_a_collapse_is_claimed_only_where_it_was_measured(asked: Example, explorer: Explorer) -> None:
    circuit = explorer.once("circuit", lambda: None)[0]
    measured = {"before": 0.9, "after": 0.1, "attention": {str(asked.star): 0.1}}
    some = [{"attention": 0.9, "prediction": 0.9}]
    assert "The address collapses." in words.fallen(asked, circuit, measured | {"controls": some, "collapses": True})
    for controls, expected in (([], "proves nothing"), (some, "Beside 1 control this does not count")):
        said = words.fallen(asked, circuit, measured | {"controls": controls, "collapses": False})
        assert "collapses." not in said
        assert expected in said


@each(("rank", "likely"), [(0, "is most likely next"), (1, "is prediction number 2")])
def test_a_prediction_that_is_not_the_first_is_told_with_its_number(asked: Example, rank: int, likely: str) -> None:
    token = int(asked.trace.tokens[0, asked.key])
    assert likely in words.expected(asked, {"token": token, "probability": 0.5, "rank": rank})


def test_several_answers_that_are_not_shown_are_not_claimed(explorer: Explorer, asked: Example) -> None:
    circuit = explorer.once("circuit", lambda: None)[0]
    found = ambiguity_of(explorer, circuit, lambda done, of: None)
    assert found is not None
    assert "divides its attention" in words.divided(found)
    weak = replace(found, weights=(0.1,) * len(found.weights))
    assert "divides" not in words.divided(weak)
    assert "the division is not clear" in words.divided(weak)
    assert len(words.divided(None).split()) <= words.WORDS
