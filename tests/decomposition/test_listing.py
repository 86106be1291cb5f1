"""The program of one prediction: exactly the planted one in any variant and gauge, exact sums, and clear errors."""

import itertools
import math
from collections.abc import Callable

import planted as p
import pytest
import torch
from each import each
from hostile import refusal
from tiny import FEW, KINDS, Kind, tiny

import loadstore as ls
from loadstore.decomposition.listing import listing
from loadstore.decomposition.loads import chosen, mlp_load
from loadstore.decomposition.logits import before_cap
from loadstore.decomposition.program import Listing, program
from loadstore.decomposition.search import LEAST
from loadstore.errors import BadPrompt, BadRequest, Undefined
from loadstore.execution.trace import Trace
from loadstore.model.gauge import rotate_stream
from loadstore.model.mlp import mlp_output
from loadstore.model.norms import normalise
from loadstore.model.weights import Weights
from loadstore.sites import SIDES

PROMPT = [p.BOS, 3, 7, 5, 2, 3]  # the second 3, at token 5, is followed by 7: the first was, at token 2
PROGRAM = {
    "unembed@5": {"": ["L1.H0@5"]},
    "L1.H0@5": {"Q": ["embed@5"], "K": ["L0.H0@2"], "V": ["embed@2"]},
    "L0.H0@2": {"Q": ["pos@2"], "K": ["pos@1"], "V": ["embed@1"]},
}
COMPOSED = PROGRAM | {"L1.H0@5": {"Q": ["embed@5"], "K": ["L0.H0@2"], "V": ["embed@2", "L0.H0@2"]}}
UNCHANGED: dict[str, Callable[[Weights], Weights]] = {
    "itself": lambda m: m,
    "negated positions": p.with_negated_positions,
    "rotated basis": lambda m: rotate_stream(m, p.rotation()),
    "clean-up head": p.with_clean_up,
    "noise": lambda m: p.with_noise(m, 1e-4),
    "unequal ranks": lambda m: p.with_ranks(m, 16, 12),
}


def names(found: Listing) -> dict[str, dict[str, list[str]]]:
    """Who loaded what where, without numbers."""
    own = {f"unembed@{found.at}": {"": [f"{part.writer}@{part.token}" for part in found.target.parts]}}
    return own | {
        f"{step.site}@{step.at}": {
            load.kind: [f"{part.writer}@{part.token}" for part in load.parts] for load in step.loads
        }
        for step in found.steps
    }


@each(("variant", "positions"), list(itertools.product(UNCHANGED, ["learned", "shortformer"])))
def test_the_listing_is_the_planted_program(variant: str, positions: p.Positions) -> None:
    found = listing(ls.run(UNCHANGED[variant](p.planted(positions)), PROMPT))
    assert found.token == 7
    assert names(found) == PROGRAM
    assert found.explained == pytest.approx(1, abs=0.02)


def test_a_value_that_goes_through_two_heads_is_listed_as_such() -> None:
    found = listing(ls.run(p.with_v_composition(p.planted(), 0.5), PROMPT))
    assert names(found) == COMPOSED
    shares = [part.share for load in found.steps[0].loads if load.kind == "V" for part in load.parts]
    assert shares == pytest.approx([0.8, 0.2])  # 1 and .5² of 1.25
    assert found.steps[1].users == ("L1.H0.K", "L1.H0.V")


def test_without_a_previous_token_there_is_no_address_to_explain() -> None:
    found = listing(ls.run(p.with_transposed_ov(p.planted()), PROMPT), predict=7)
    assert [step.site for step in found.steps] == ["L1.H0"]
    assert [load.undefined for load in found.steps[0].loads] == ["every key has the same score"] * 2 + [""]
    assert "undefined: every key has the same score" in str(found)


def traced(kind: Kind) -> Trace:
    return ls.run(tiny(kind), [1, 5, 2, 7, 5, 2], record=True)


@each("kind", FEW, str)
def test_the_target_and_every_load_are_sums(kind: Kind) -> None:
    trace = traced(kind)
    found = listing(trace, 4, predict=3, top=6)
    logits = before_cap(trace, 4)
    assert found.contrast == pytest.approx(float(logits[3] - logits.mean()), abs=1e-9)
    assert found.probability == pytest.approx(float(trace.logits[4].softmax(-1)[3]))
    loads = [found.target, *itertools.chain.from_iterable(step.loads for step in found.steps)]
    for load in loads:
        if load.additive and not load.undefined:
            assert load.explained + load.rest == pytest.approx(1, abs=1e-8)
            assert abs(load.rest) <= 0.1 + 1e-9
        assert all(abs(part.share) >= load.largest for part in load.parts)


@each("kind", FEW, str)
def test_an_address_and_its_listing_agree(kind: Kind) -> None:
    trace = traced(kind)
    for step in listing(trace, 4, predict=3, top=4).steps:
        if ".H" in step.site:
            address = ls.address(trace, step.site, step.at)
            for side, load in zip(SIDES[:2], step.loads, strict=False):
                assert load.undefined == address.undefined.get(side, "")
                for part in load.parts:
                    assert part.share == pytest.approx(address.shares[side][part.writer], rel=1e-9)


def test_a_step_stands_once_after_its_users_and_weighs_what_they_hand_on() -> None:
    found = listing(traced(KINDS[0]), 5, predict=3)
    places = [(step.site, step.at) for step in found.steps]
    assert len(set(places)) == len(places) > 2
    assert [site for site, _ in places] == sorted((site for site, _ in places), key=lambda site: -int(site[1]))
    handed = dict.fromkeys(places, 0.0)
    for weight, load in [(1.0, found.target), *((step.weight, load) for step in found.steps for load in step.loads)]:
        for part in load.parts:
            if (part.writer, part.token) in handed:
                handed[part.writer, part.token] += weight * min(1.0, abs(part.share))
    assert [step.weight for step in found.steps] == pytest.approx([handed[place] for place in places])
    assert all(step.weight >= LEAST for step in found.steps)


@each("kind", [kind for kind in FEW if kind.mlp], str)
def test_an_mlp_is_run_without_each_of_its_writers(kind: Kind) -> None:
    trace = traced(kind)
    load = mlp_load(trace, 1, 4, 0.999999)
    layer, shape = trace.weights.layer(1).mlp, trace.weights.architecture
    assert layer is not None
    assert shape.mlp is not None
    stored = trace.written("L1.mlp")[4]
    stream = trace.residual(1) if shape.mlp.parallel else trace.residual(2) - trace.written("L1.mlp")
    x, scale = normalise(stream[None], layer.norm, shape.eps)
    for part in load.parts:
        store = trace.written(part.writer)[None]
        if part.writer == "pos" and shape.positions == "shortformer":
            continue
        centred = store - store.mean(-1, keepdim=True) if layer.norm is not None and layer.norm.centres else store
        gain = 1.0 if layer.norm is None or layer.norm.gain is None else layer.norm.gain
        without = mlp_output(x - centred * scale * gain, layer, shape)[0, 4]
        assert part.share == pytest.approx(float((stored - without) @ stored / (stored @ stored)), abs=1e-9)
    assert math.isnan(load.explained)


def test_parts_are_listed_until_what_is_left_is_small() -> None:
    load = chosen("Q", {("a", 0): 1.0, ("b", 0): -0.6, ("c", 0): 0.6, ("d", 0): 0.05, ("e", 0): -0.05}, 0.9)
    assert [part.writer for part in load.parts] == ["a", "b", "c"]  # the rest is 0 after a, but not each of it small
    assert (load.others, load.rest, load.largest) == (2, 0.0, 0.05)
    assert len(chosen("Q", {(str(i), 0): 0.01 for i in range(100)}, 0.9).parts) == 90


def test_steps_beyond_the_most_are_counted() -> None:
    trace = traced(KINDS[0])
    few, all_ = listing(trace, 5, predict=3, top=2), listing(trace, 5, predict=3)
    assert len(few.steps) == 2
    assert few.left > 0
    assert f"{few.left} more steps" in str(few)
    assert "more steps" not in str(all_)


def test_the_builtin_model_tells_the_article() -> None:
    model = ls.load("builtin")
    found = ls.listing(ls.run(model, "the cat sat on the mat. the dog sat on the log."), at=10, predict=" on")
    by_site = {step.site: step for step in found.steps}
    assert found.labels[10] == "␣sat·10"
    assert {"L1.H4", "L1.H10", "L0.H7"} <= by_site.keys()
    for head in ("L1.H4", "L1.H10"):
        query, key, value = by_site[head].loads
        assert (query.parts[0].writer, key.parts[0].writer, key.parts[0].token) == ("embed", "L0.H7", 4)
        assert "embed" in [part.writer for part in value.parts]
        assert value.parts[0].token == 4
    text = str(found)
    assert text.count("; L0.H7 stored ␣sat·3 here") == 2
    assert "estimated" in text
    sites = [line.site for line in program(found) if line.site]
    assert len(sites) == 1 + len(found.steps)


def test_its_wires_can_be_swept() -> None:
    trace = ls.run(p.planted(), PROMPT, record=True)
    found = listing(trace)
    wires = [("embed", "L1.H0.Q"), ("L0.H0", "L1.H0.K"), ("embed", "L1.H0.V")]
    wires += [("pos", "L0.H0.Q"), ("pos", "L0.H0.K"), ("embed", "L0.H0.V")]
    assert found.wires == wires
    swept = ls.experiments.sweep(trace, found.wires, metric=ls.metrics.log_probability(7))
    assert list(zip(swept["writer"].values, swept["reader"].values, strict=True)) == wires
    assert float(swept.change.max()) < 0


def test_against_another_token_the_contrast_is_theirs() -> None:
    trace = traced(KINDS[0])
    found = listing(trace, 4, predict=3, against=8)
    assert found.contrast == pytest.approx(float(trace.logits[4, 3] - trace.logits[4, 8]), abs=1e-9)
    assert found.against == 8


def test_bad_requests_name_the_way_out() -> None:
    model = ls.load("builtin")
    trace = ls.run(model, "the cat sat on the mat.")
    refusal(lambda: listing(trace, 3, predict=" sat on"), BadPrompt, "is 2 tokens", "␣sat", "␣on", "must be one")
    refusal(lambda: listing(trace, 99), Undefined, "no token 99")
    refusal(lambda: listing(trace, share=1.5), BadRequest, "share=1.5", "between 0 and 1")
    refusal(lambda: listing(trace, top=0), BadRequest, "top=0")
    refusal(lambda: listing(trace, 3, predict=10**6), BadRequest, "token id")
    refusal(lambda: listing(ls.run(model, torch.zeros(2, 3, dtype=torch.int64))), Undefined, "batch")
    edited = ls.run(model, "the cat sat", edits=[ls.ablate("L0.H7")])
    refusal(lambda: listing(edited), Undefined, "without edits")
