"""Every number of the guided walk is the Python API's; a model without the circuit gets a reason, not a walk."""

import planted as p
import pytest
import torch
import xarray as xr
from close import assert_close
from served import on_builtin
from tiny import KINDS, Kind, tiny

import loadstore as ls
from loadstore.execution.trace import Trace
from loadstore.explorer.circuit import find_circuit, why_none
from loadstore.explorer.state import Document, Explorer
from loadstore.explorer.table import answered

PROMPT = "the cat sat on the mat. the dog sat on the log."


def quiet(done: int, of: int) -> None:
    """Nobody looks at the progress."""


@pytest.fixture(scope="module")
def explorer() -> Explorer:
    return on_builtin()


@pytest.fixture(scope="module")
def walked(explorer: Explorer) -> Document:
    return answered("walk", explorer, {})(quiet)


def trace_of(explorer: Explorer, step: Document) -> Trace:
    return explorer.runs.get(step["place"]["run"])


def test_there_are_six_steps_each_with_a_claim_a_picture_and_a_place(walked: Document) -> None:
    assert walked["found"]
    assert len(walked["steps"]) == 6
    for step in walked["steps"]:
        assert step["claim"]
        assert step["views"]
        assert step["place"]["screen"] in {"heads", "memory", "address", "wires", "listing"}


def test_the_circuit_is_the_one_that_is_found_beyond_its_controls(walked: Document, explorer: Explorer) -> None:
    table = ls.experiments.induction_circuits(explorer.weights)
    pairs = {f"{walked['previous']} → {head}" for head in walked["heads"]}
    assert pairs == {
        str(pair) for pair, beyond in zip(table["pair"].values, table.beyond.values, strict=True) if beyond
    }


def test_what_comes_next_is_what_the_model_predicts_on_the_article_s_sentence(
    walked: Document, explorer: Explorer
) -> None:
    step = walked["steps"][0]
    trace, numbers = trace_of(explorer, step), step["numbers"]
    plain = ls.run(explorer.weights, trace.tokens[0].tolist())
    probabilities, size = plain.logits[numbers["at"]].double().softmax(-1), float(plain.logits.abs().max())
    assert trace.labels[-1] == "␣sat·10"
    assert_close(numbers["probability"], probabilities[numbers["token"]], dtype=torch.float32, scale=size)
    assert numbers["rank"] == 0
    assert int(probabilities.argmax()) == numbers["token"] == trace.tokens[0, numbers["key"]]


def test_where_heads_look_and_why_are_the_addresses_of_the_python_api(walked: Document, explorer: Explorer) -> None:
    _, looks, why, *_ = walked["steps"]
    trace = trace_of(explorer, looks)
    at, key = (walked["steps"][0]["numbers"][name] for name in ("at", "key"))
    for head, weight in looks["numbers"]["weights"].items():
        assert weight == pytest.approx(float(trace.pattern(head)[at, key]), abs=1e-9)
    star = looks["place"]["head"]
    assert looks["numbers"]["weights"][star] == max(looks["numbers"]["weights"].values())
    assert why["numbers"]["share"] == pytest.approx(
        float(ls.address(trace, star, at, about=key).shares["K"][walked["previous"]]), abs=1e-9
    )
    assert why["numbers"]["previous"] == pytest.approx(float(trace.pattern(walked["previous"])[key, key - 1]), abs=1e-9)
    assert why["numbers"]["alignment"] > why["numbers"]["chance"]


def test_what_every_writer_adds_to_the_logit_sums_to_it(walked: Document) -> None:
    numbers = walked["steps"][3]["numbers"]
    size = max(abs(part) for part in numbers["parts"].values())
    assert_close(sum(numbers["parts"].values()), numbers["logit"], dtype=torch.float32, scale=size)
    assert numbers["together"] == pytest.approx(sum(numbers["parts"][head] for head in walked["heads"]), abs=1e-9)


def test_the_cut_is_the_one_that_a_run_with_these_edits_makes(walked: Document, explorer: Explorer) -> None:
    step = walked["steps"][4]
    trace, numbers = trace_of(explorer, step), step["numbers"]
    at, key, token = (walked["steps"][0]["numbers"][name] for name in ("at", "key", "token"))
    edits = [ls.cut(walked["previous"], f"{head}.K") for head in walked["heads"]]
    after = ls.run(explorer.weights, trace.tokens[0].tolist(), edits, record=True)
    size = float(after.logits.abs().max())
    assert_close(numbers["after"], after.logits[at].double().softmax(-1)[token], dtype=torch.float32, scale=size)
    assert numbers["before"] == walked["steps"][0]["numbers"]["probability"]
    for head, weight in numbers["attention"].items():
        assert_close(weight, after.pattern(head)[at, key], scale=float(after.scores(head)[at].abs().max()))
    assert len(numbers["controls"]) >= 1
    star = max(numbers["attention"], key=lambda head: float(trace.pattern(head)[at, key]))
    assert numbers["after"] < min(numbers["before"], *(each["prediction"] for each in numbers["controls"]))
    kept = min(each["attention"] for each in numbers["controls"])
    assert numbers["attention"][star] < min(float(trace.pattern(star)[at, key]) / 2, kept)
    assert numbers["collapses"]
    assert "collapses" in step["claim"]


def test_the_ambiguous_token_was_followed_differently_and_attention_divides(
    walked: Document, explorer: Explorer
) -> None:
    step = walked["steps"][5]
    trace, numbers = trace_of(explorer, step), step["numbers"]
    ids = trace.tokens[0].tolist()
    assert numbers["followers"] == [j + 1 for j in range(len(ids) - 1) if ids[j] == ids[-1]]
    assert numbers["tokens"] == list(dict.fromkeys(ids[j] for j in numbers["followers"]))
    probabilities = trace.logits[-1].double().softmax(-1)
    assert numbers["probabilities"] == pytest.approx([float(probabilities[one]) for one in numbers["tokens"]], abs=1e-9)
    row = trace.pattern(numbers["head"])[-1]
    assert numbers["weights"] == pytest.approx([float(row[j]) for j in numbers["followers"]], abs=1e-9)
    assert numbers["shown"]
    assert sum(numbers["weights"]) > 0.5
    assert sum(rank < 5 for rank in numbers["ranks"]) > 1


def test_the_planted_circuit_is_walked_on_a_prompt_of_its_own_tokens() -> None:
    explorer = Explorer(p.with_noise(p.planted(), 1e-3), [0, 1, 2, 3])
    found = answered("walk", explorer, {})(quiet)
    assert (found["found"], found["previous"], found["heads"]) == (True, "L0.H0", ["L1.H0"])
    assert found["steps"][1]["numbers"]["weights"]["L1.H0"] > 0.9
    assert found["steps"][4]["numbers"]["after"] < found["steps"][4]["numbers"]["before"]


@pytest.mark.parametrize("kind", KINDS[:2], ids=str)
def test_a_random_model_has_no_walk_and_says_why(kind: Kind) -> None:
    weights = tiny(kind)
    circuit, _ = find_circuit(weights, quiet)
    found = answered("walk", Explorer(weights, [1, 2, 3]), {})(quiet)
    assert circuit is None
    assert not found["found"]
    assert found["steps"] == []
    assert weights.name in found["why"]


def test_the_walk_is_made_once(explorer: Explorer, walked: Document) -> None:
    def asked(done: int, of: int) -> None:
        raise AssertionError("made again")

    assert answered("walk", explorer, {})(asked) == walked


def test_pairs_that_do_no_more_than_their_controls_are_no_circuit_and_the_best_is_named() -> None:
    table = xr.Dataset(
        {"change": ("pair", [0.1, 0.3]), "control": ("pair", [0.2, 0.4])},
        coords={"pair": ["L0.H1 → L1.H0", "L0.H2 → L1.H0"]},
        attrs={"least": 0.4, "model": "small"},
    )
    said = why_none(table)
    assert said.startswith("small has 2 pairs of a previous-token head and an induction head")
    assert said.endswith(
        "L0.H2 → L1.H0, changes the loss on random repeats by 0.300 nats, its largest control by 0.400."
    )
