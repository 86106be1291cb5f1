"""A program that is there is verified, one of a random model is not; what is compared with what."""

import math
from dataclasses import replace

import planted as p
import pytest
import torch
from close import assert_close
from hostile import refusal
from tiny import FEW, KINDS, Kind, tiny

import loadstore as ls
from loadstore.causal.controls import control_sets, sizes_on
from loadstore.causal.relabel import relabelled
from loadstore.decomposition.listing import listing
from loadstore.errors import BadRequest, Undefined
from loadstore.evidence.verdict import Verified
from loadstore.evidence.verify import verify
from loadstore.execution.edits import cut
from loadstore.execution.run import run
from loadstore.execution.trace import Trace
from loadstore.model.wiring import wiring

SENTENCE = "the cat sat on the mat. the dog sat on the log."
IDS = [1, 5, 2, 7, 5, 2]


def traced(kind: Kind, seed: int = 0) -> Trace:
    return run(tiny(kind, seed), IDS, record=True)


@pytest.fixture(scope="module")
def builtin() -> Verified:
    trace = run(ls.load("builtin"), SENTENCE, record=True)
    return verify(listing(trace, 10, predict=" on"))


def test_the_induction_circuit_collapses_beyond_all_of_twenty_controls(builtin: Verified) -> None:
    (check,) = [check for check in builtin.checks if check.claim.text == "L0.H7 → L1.H10.K + L1.H4.K"]
    assert [place for place, *_ in check.claim.watched] == ["L1.H10", "L1.H4"]
    assert all(before > 0.8 and after < 0.1 for before, after in check.attention)
    assert builtin.listing.probability > 0.9
    assert check.probability < builtin.listing.probability / 2
    assert len(check.controls) == 20
    assert check.beyond
    assert check.verified
    assert builtin.holds
    text = str(builtin)
    assert "the listing holds" in text
    assert "estimated" not in text
    assert f"{builtin.count} of {len(builtin.checks)} cuts are verified" in text


@pytest.fixture(scope="module")
def random() -> Verified:
    """Three layers of three heads in float64; what they do together is known, whatever it means."""
    return verify(listing(traced(KINDS[0]), 5, predict=7, top=12), controls=5, replicates=5)


def test_every_number_is_that_of_a_run_with_the_cut(random: Verified) -> None:
    trace, at, token = random.listing.trace, random.listing.at, random.listing.token
    before = trace.logits[at].log_softmax(-1)[token]
    assert any(len(check.claim.wires) > 1 for check in random.checks)
    for check in random.checks:
        after = run(trace.weights, trace.tokens[0], [cut(*wire) for wire in check.claim.wires], record=True)
        assert check.effect == pytest.approx(float(after.logits[at].log_softmax(-1)[token] - before), abs=1e-9)
        assert check.probability == pytest.approx(float(after.logits[at].softmax(-1)[token]), abs=1e-9)
        for (head, query, key), (_, now) in zip(check.claim.watched, check.attention, strict=True):
            assert now == pytest.approx(float(after.pattern(head)[query, key]), abs=1e-9)


def test_a_probability_is_one_where_a_cut_adds_ten_thousand_nats() -> None:
    model = tiny(KINDS[0])
    trace = run(replace(model, W_U=model.W_U * 1e5), IDS, record=True)
    checks = verify(listing(trace, 5, predict=7, top=12), controls=1, replicates=2).checks
    assert max(check.effect for check in checks) > 1e4
    assert all(0 <= check.probability <= 1 for check in checks)


def test_controls_are_those_of_the_selector_outside_the_listing(random: Verified) -> None:
    trace, (at, token) = random.listing.trace, (random.listing.at, random.listing.token)
    outside = {wire for check in random.checks for wire in check.claim.wires}
    readers, before = wiring(trace.weights).readers, trace.logits[at].log_softmax(-1)[token]
    for check in random.checks:
        sets = control_sets(check.claim.wires, 5, sizes_on(trace), readers, outside=outside)
        assert not outside & {wire for some in sets for wire in some}
        expected: list[float] = []
        for some in sets:
            after = run(trace.weights, trace.tokens[0], [cut(*wire) for wire in some])
            expected.append(float(after.logits[at].log_softmax(-1)[token] - before))
        assert check.controls == pytest.approx(expected, abs=1e-9)


def test_an_effect_against_the_listing_is_not_beyond(random: Verified) -> None:
    check = replace(random.checks[0], controls=(0.1, -0.2, 0.0))
    for effect, expected in ((0.2, False), (math.nextafter(0.2, 1), True), (-9.0, False)):
        turned = replace(check, effect=check.claim.sign * effect)
        assert turned.beyond == expected
        assert turned.p == (1 / 4 if expected else 1.0 if effect < 0 else 2 / 4)


@pytest.mark.parametrize("positions", ["learned", "shortformer"])
def test_the_planted_program_is_verified(positions: p.Positions) -> None:
    trace = run(p.with_noise(p.planted(positions), 1e-3), [p.BOS, 3, 7, 5, 2, 3], record=True)
    proof = verify(listing(trace, predict=7))
    assert {check.claim.text for check in proof.checks if check.verified} == {
        "embed → L1.H0.Q",
        "L0.H0 → L1.H0.K",
        "embed → L1.H0.V",
        "pos → L0.H0.Q",
        "pos → L0.H0.K",
        "embed → L0.H0.V",
    }


@pytest.mark.parametrize("kind", FEW[::3], ids=str)
def test_a_random_model_fails_and_says_so(kind: Kind) -> None:
    proof = verify(listing(traced(kind), 5, predict=7, top=8), controls=10, replicates=4)
    assert not proof.holds
    assert "the listing FAILS verification" in str(proof)
    assert "✘" in str(proof)


def test_what_is_not_replicated_is_not_verified(random: Verified) -> None:
    once = [check for check in random.checks if check.beyond and not check.replicated]
    assert once
    assert not any(check.verified for check in once)
    assert random.count == sum(check.beyond and check.replicated for check in random.checks)
    assert "◦ beyond its controls, not replicated" in str(random)


def test_other_tokens_keep_what_repeats_and_the_beginning() -> None:
    ids = [p.BOS, 3, 7, 5, 2, 3, 7]
    trace, target = run(p.planted(), ids), 2
    others = relabelled(trace, target, 3)
    assert len({tuple(other) for other, _ in others}) == 3
    for other, token in others:
        assert other[0] == ids[0]
        assert token == other[4]
        assert ids[0] not in other[1:]
        same = torch.tensor(ids)[:, None] == torch.tensor(ids)
        assert bool(((torch.tensor(other)[:, None] == torch.tensor(other)) == same).all())
    assert others == relabelled(trace, target, 3)


def test_a_vocabulary_may_be_too_small_for_other_tokens() -> None:
    full = run(p.planted(), list(range(1, 16)))
    assert len(relabelled(full, 19, 1)[0][0]) == 15
    small = tiny(KINDS[0])
    short = run(small, list(range(10)))
    assert relabelled(short, 3, 1)


def test_paraphrases_stand_in_for_other_tokens() -> None:
    model = ls.load("builtin")
    trace = run(model, "the cat sat on the mat. the dog sat", record=True)
    texts = ["a cat sat on the mat and the dog sat", "my cat sat on it. my dog sat"]
    proof = verify(listing(trace, predict=" on"), controls=2, paraphrases=texts)
    assert proof.on == "paraphrases"
    assert proof.replicates == 2
    token = trace.weights.tokens.one(" on") if trace.weights.tokens is not None else -1
    (check, *_) = proof.checks
    changes: list[float] = []
    for text in texts:
        runs = [run(model, text, edits) for edits in ([], [cut(*check.claim.wires[0])])]
        before, after = (float(one.logits[-1].log_softmax(-1)[token]) for one in runs)
        changes.append(after - before)
    size = float(trace.logits.abs().max())
    assert_close(check.mean, sum(changes) / 2, dtype=torch.float32, scale=size)
    assert_close(check.standard_error, abs(changes[0] - changes[1]) / 2, dtype=torch.float32, scale=size)


def test_luck_is_the_tail_of_independent_chances(builtin: Verified) -> None:
    n, k, chance = len(builtin.checks), builtin.count, 1 / 21
    tail = sum(math.comb(n, i) * chance**i * (1 - chance) ** (n - i) for i in range(k, n + 1))
    assert builtin.luck == pytest.approx(tail, abs=1e-12)


def test_bad_requests_name_the_way_out() -> None:
    found = listing(traced(KINDS[0]), 5, predict=7)
    refusal(lambda: verify(found, controls=0), BadRequest, "at least 1 control")
    refusal(lambda: verify(found, replicates=1), BadRequest, "2 replicates")
    refusal(lambda: verify(found, paraphrases=[[1, 2]]), BadRequest, "paraphrases")
    constant = tiny(KINDS[0]).map(torch.zeros_like)
    with pytest.raises(Undefined):
        listing(run(constant, IDS), 5, predict=7)
