"""Clean-up and repeater pairs: planted ones are found alone, random models have none, and what is put back is exact."""

import math
from dataclasses import replace

import numpy as np
import planted as p
import pytest
import torch
from depth import deep
from each import each
from memory.machines import texts, with_clean_up_and_repeater, with_repeater
from tiny import FEW, Kind, some_tokens, tiny

import loadstore as ls
from loadstore.corpora.corpus import read_corpus
from loadstore.errors import Undefined
from loadstore.memory.causes import Causes, Term, causes
from loadstore.memory.fresh import fresh_shares
from loadstore.memory.intervals import Ratio, ratio, student
from loadstore.memory.lifetime import lifetimes
from loadstore.memory.pairs import Pair
from loadstore.memory.region import regions
from loadstore.memory.removals import after_ablations
from loadstore.memory.repair import frozen_repairs, repair_of
from loadstore.memory.stores import in_stream
from loadstore.model.weights import Weights
from loadstore.model.wiring import wiring


@each(
    "model, expected",
    [
        (p.planted(), {}),
        (p.with_clean_up(p.planted()), {("L0.H0", "L2.H0"): -1.0}),
        (with_repeater(p.planted()), {("L0.H0", "L2.H0"): 1.0}),
        (
            with_clean_up_and_repeater(),  # what was repeated is removed twice over
            {("L0.H0", "L2.H0"): 1.0, ("L0.H0", "L3.H0"): -2.0, ("L2.H0", "L3.H0"): -2.0},  # of the last, half
        ),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_planted_clean_up_and_repeater_heads_are_the_only_pairs(
    model: Weights, expected: dict[tuple[str, str], float]
) -> None:
    found = lifetimes(model, texts(model))
    assert {(pair.writer, pair.later): round(pair.term, 6) for pair in found.reported} == expected
    for pair in found.reported:
        assert pair.causes is not None
        assert pair.causes.ablated is not None
        assert pair.causes.ablated.value == pytest.approx(0.5 if pair.writer == "L2.H0" else 1)
        assert pair.kind == ("clean-up" if pair.term < 0 else "repeater")
    rho = found.rho[found.writers.index("L0.H0")]
    assert rho[-1] == pytest.approx(sum(term for (writer, _), term in expected.items() if writer == "L0.H0"))
    said = str(found)
    assert f"{len(expected)} clean-up and repeater pairs of {found.screen.tests}" in said
    for (writer, other), term in expected.items():
        assert f"{writer} {'cleaned up' if term < 0 else 'repeated'} by {other}" in said


def test_a_planted_head_that_erases_at_the_next_token_is_the_only_pair_across_tokens() -> None:
    """It attends to the token before and removes there what the previous-token head stored: W_OV = −projector on S."""
    model, shift = p.planted(), torch.zeros(p.CONTEXT, p.D_HEAD, dtype=torch.float64)
    shift[1:, : p.CONTEXT - 1] = torch.eye(p.CONTEXT - 1)
    last = p.layer(query=p._into(p.P, shift), key=p._reads(p.P), value=p._reads(p.S), output=-p._reads(p.S))
    shape = replace(model.architecture, n_layers=3)
    later = replace(model, architecture=shape, layers=(*model.layers, last))
    documents = texts(later)
    found = lifetimes(later, documents)
    assert [(pair.writer, pair.later, pair.kind) for pair in found.reported_across] == [("L0.H0", "L2.H0", "clean-up")]
    (pair,) = found.reported_across
    stores = torch.stack([ls.run(later, each).written("L0.H0")[1:] for each in documents])
    sizes = (stores - stores.mean((0, 1))).square().sum(-1)
    assert pair.term == pytest.approx(float(-sizes[:, :-1].sum() / sizes.sum()), abs=0.02)  # the last token has no next
    assert pair.causes is not None
    assert pair.causes.ablated is not None
    assert (pair.causes.cut.value, pair.causes.ablated.value) == pytest.approx((1, 1), abs=0.01)
    assert all(abs(one.term) < 0.1 for one in found.reported)  # token 1 erases BOS, which token 0 holds as well
    assert "1 clean-up and repeater pairs across tokens of" in str(found)
    assert not lifetimes(model, texts(model)).reported_across


def test_a_pair_with_a_common_cause_is_beyond_the_nulls_and_not_reported() -> None:
    model = p.planted()
    last = p.layer(query=p._reads(p.P), key=p._reads(p.P), value=p._reads(p.E), output=p._reads(p.S))
    both = replace(model, layers=(last, last))  # each copies the token into S
    found = lifetimes(both, texts(both))
    (pair,) = [pair for pair in found.pairs if (pair.writer, pair.later) == ("L0.H0", "L1.H0")]
    assert pair.term == pytest.approx(1)
    assert pair.beyond(found.screen.tests)
    assert not pair.reported
    assert pair.causes is not None
    assert pair.causes.cut.value == pytest.approx(0, abs=1e-9)


def test_random_models_have_no_pairs() -> None:
    kinds = [kind for kind in FEW if kind.positions != "shortformer"]
    models = deep(100, usual=12)
    found = 0
    for seed in range(models):
        model = tiny(kinds[seed % len(kinds)], seed=100 + seed)
        one = lifetimes(model, some_tokens(model, 12, seed=seed).tolist())
        found += bool(one.reported) + bool(one.reported_across)
    assert found <= (6 if models == 100 else 1)  # each has one of either kind with probability .01 at most


REPORTED = [
    (0.0501, (0.999, 0.9, 1.1), (1.0, 0.9, 1.1), True),
    (0.0499, (1.0, 0.9, 1.1), (1.0, 0.9, 1.1), False),
    (-0.2, (0.26, 0.002, 0.5), (0.3, 0.002, 0.5), True),
    (-0.2, (0.24, 0.1, 0.5), (0.3, 0.1, 0.5), False),  # the caused part is below 5 %
    (-0.2, (0.5, 0.0009, 0.9), (0.5, 0.4, 0.6), False),
    (-0.2, (0.5, 0.4, 0.6), (0.5, 0.0009, 0.9), False),
    (-0.2, (0.5, 0.4, 0.6), None, False),
    (-0.2, (0.5, math.nan, math.nan), (0.5, math.nan, math.nan), False),
]


def test_a_pair_is_beyond_the_nulls_and_reported_at_its_thresholds() -> None:
    for term, cut, ablated, reported in REPORTED:
        known = Causes(Ratio(*cut), None if ablated is None else Ratio(*ablated))
        assert Pair("L0.H0", "L1.H0", term, 9.0, 9.0, known).reported == reported, (term, cut, ablated)
    assert Pair("L0.H0", "L1.H0", 1.0, -2.58, 9.0).beyond(1)
    assert not Pair("L0.H0", "L1.H0", 1.0, -2.57, 9.0).beyond(1)
    assert not Pair("L0.H0", "L1.H0", 1.0, 9.0, 2.58).beyond(2)
    assert Pair("L0.H0", "L1.H0", 1.0, 9.0, 2.81).beyond(2)


@each("kind", [FEW[5], FEW[6], FEW[8], FEW[9], FEW[10]], ids=str)
def test_removals_are_those_of_edited_runs(kind: Kind) -> None:
    model = tiny(kind)
    trace, network = ls.run(model, some_tokens(model, 4)), wiring(model)
    names = [("L0.H0", "L2.H1"), ("embed", "L1.mlp"), ("L1.H1", "L2.H0")]
    pairs = [(network.writer(one), network.writer(two)) for one, two in names if network.writer(two) in network.writers]
    terms = [Term(*pair) for pair in pairs]
    across = [term._replace(across=True) for term in terms if term.later.kind == "head"]
    found, repairs = causes(trace, [*terms, *across])
    for (writer, other, apart), one in zip([*terms, *across], found, strict=True):
        writer, other = str(writer), str(other)
        readers = [r for r in map(str, network.readers) if r == other or r.startswith(other + ".")]
        w, x = (trace.written(name) for name in (writer, other))
        w, x = (value - value[:, 1:].mean((0, 1)) for value in (w, x))
        edits = {"cut": [ls.cut(writer, reader) for reader in readers], "ablated": [ls.ablate(writer)]}
        for name, some in edits.items():
            gone, whole = (trace.written(other) - ls.run(model, trace.tokens, some).written(other))[:, 1:], x[:, 1:]
            if apart:
                pattern = trace.pattern(other)[:, 1:, 1:].tril(-1)
                gone, whole = (torch.einsum("bij,bid->bjd", pattern, each) for each in (gone, whole))
            expected = float((gone * w[:, 1:]).sum() / (whole * w[:, 1:]).sum())
            known = getattr(one, name)
            if known is not None:
                assert known.value == pytest.approx(expected, abs=1e-9), (writer, other, name)
    for writer, repair in repairs.items():
        edited = ls.run(model, trace.tokens, [ls.ablate(writer)], record=True).record
        gone = repair.writing.value + repair.scale.value - 1
        norm = model.final_norm
        store = trace.store(writer) - trace.store(writer)[:, 1:].mean((0, 1))
        read = [r.final * r.final_inverse_scale for r in (edited, trace.record)]
        if norm is not None and norm.centres:
            store, *read = (each - each.mean(-1, keepdim=True) for each in (store, *read))
        along = (store * trace.record.final_inverse_scale)[:, 1:]
        assert gone == pytest.approx(float(((read[0] - read[1])[:, 1:] * along).sum() / along.square().sum()), abs=1e-9)


def _overflowing(*given: object, **more: object) -> None:
    raise Undefined("the pass overflows float32")


def test_what_is_put_back_by_writing_is_told_apart_from_what_a_norm_does() -> None:
    model, plain = tiny(Kind("learned", "rms", False), n_layers=2), p.with_clean_up(p.planted())
    silent = replace(model.layers[1], W_O=0 * model.layers[1].W_O)
    quiet = replace(model, layers=(model.layers[0], silent))  # nothing is stored after layer 0
    trace, (writer,) = ls.run(quiet, some_tokens(quiet, 6)), [wiring(quiet).writer("L0.H0")]
    ((_, run),) = after_ablations(trace, [writer])
    found = repair_of(trace, writer, run.record)
    assert found.writing.value == pytest.approx(0, abs=1e-12)
    assert abs(found.scale.value) > 0.01
    assert frozen_repairs(trace, [writer])[writer].value == pytest.approx(0, abs=1e-12)
    with pytest.MonkeyPatch.context() as patches:
        patches.setattr("loadstore.memory.repair.after_ablations", _overflowing)
        assert math.isnan(frozen_repairs(trace, [writer])[writer].value)
    cleaned = lifetimes(plain, texts(plain)).repairs["L0.H0"]
    assert cleaned.writing.value == pytest.approx(1)  # what was to be erased need not be
    assert cleaned.frozen.value == pytest.approx(1)
    assert cleaned.scale.value == 0


def test_fresh_repeated_and_other_parts_of_a_load_are_those_that_were_planted() -> None:
    model = with_clean_up_and_repeater()
    moments = ls.statistics.moments(model, read_corpus(model, texts(model)))
    known = {str(writer): writer for writer in in_stream(model)}
    (region,) = regions(moments, (known["L0.H0"],), 0.9999)
    readers = [wiring(model).reader(name) for name in ("L1.H0.K", "L2.H0.V", "L3.H0.V")]
    found = fresh_shares(moments, known["L0.H0"], region, readers)
    assert [(each.fresh, each.repeated, each.other) for each in found] == [
        pytest.approx(parts, abs=1e-9) for parts in ((1, 0, 0), (1, 0, 0), (0.5, 0.5, 0))
    ]
    gone = fresh_shares(moments, known["L0.H0"], region, [wiring(model).reader("unembed")])  # it reads another block
    assert all(math.isnan(value) for value in (gone[0].fresh, gone[0].repeated, gone[0].other))


def test_a_ratio_has_students_interval_over_pieces_of_text() -> None:
    assert [student(freedom) for freedom in (3, 7, 15)] == pytest.approx([3.182, 2.365, 2.131], rel=0.01)
    generator, hits = np.random.default_rng(0), 0
    for _ in range(400):
        b = 1 + 0.2 * generator.standard_normal(12)
        found = ratio(0.3 * b + 0.1 * generator.standard_normal(12), b)
        hits += found.low < 0.3 < found.high
    assert 0.92 < hits / 400 < 0.975
    assert math.isnan(ratio(np.ones(3), np.ones(3)).low)
    assert math.isnan(ratio(np.ones(5), np.zeros(5)).value)
    model = tiny(FEW[6])
    found = lifetimes(model, torch.randint(17, (43,)).tolist(), length=8)
    assert (found.attrs["pieces"], found.attrs["piece_tokens"]) == (5, 8)  # one long text is cut into pieces
