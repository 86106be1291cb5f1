"""A run that is made from a recorded one gives what a whole pass with the same edits gives."""

from collections.abc import Sequence

import pytest
import torch
from close import assert_close
from each import each
from tiny import MODERN, Kind, some_tokens, tiny

import loadstore as ls
from loadstore.causal.engine import rerun, reruns, starts
from loadstore.errors import BadRequest, NoSuchWire
from loadstore.execution.edits import Edit
from loadstore.model.wiring import wiring

SHORT = Kind("shortformer", "layer", True)


def lists_of(model: ls.Weights, here: ls.Trace, there: ls.Trace) -> list[Sequence[Edit]]:
    """Edits of every kind, alone and together, that begin in different layers; some change nothing."""
    network = wiring(model)
    mlp = "L1.mlp" if "L1.mlp" in map(str, network.readers) else "L1.H2.Q"
    found: list[Sequence[Edit]] = [
        [],
        [ls.cut("L0.H1", "L1.H0.K")],
        [ls.cut("embed", "L1.H0.K"), ls.cut("L0.H0", "L1.H0.Q"), ls.cut("L0.H0", "L1.H2.V", by="zero")],
        [ls.cut("L0.H2", "L2.H1.V", at=(3, -1)), ls.cut("L1.H1", "L2.H1.V")],
        [ls.cut("L0.H1", "L1.H0.V", at=(2, -1))],
        [ls.cut("L1.H1", "L2.H0.Q", by="resample", over=there, seed=3)],
        [ls.cut("embed", mlp), ls.cut("L0.H0", mlp, channel=1)],
        [ls.cut("L2.H0", "unembed", over=there)],
        [ls.patch("L0.H1", there, reader="L1.H1.K"), ls.patch("embed", there, reader="L1.H1.K", at=5)],
        [ls.patch("L1.H2", there)],
        [ls.ablate("L1.H0"), ls.cut("L1.H0", "L2.H2.K"), ls.cut("L0.H0", "L2.H2.K", by="zero")],
        [ls.ablate("L0.H0", at=2), ls.cut("L0.H0", "unembed"), ls.cut("embed", "L2.H0.K", by="zero")],
        [ls.ablate("embed", by="resample", over=there)],
        [ls.freeze("patterns", there, heads=["L1.*"]), ls.ablate("L2.H1", by="zero")],
        [ls.freeze("norms", there), ls.cut("embed", "L0.H0.Q")],
        [ls.freeze("norms", here), ls.ablate("L1.H1")],
        [ls.freeze("norms", there), ls.ablate("L2.H2")],
    ]
    if "pos" in map(str, network.writers):
        found += [
            [ls.cut("pos", "L2.H1.Q"), ls.cut("pos", "L2.H1.K", by="zero")],
            [ls.ablate("pos", by="zero", at=4), ls.cut("pos", "L1.H1.K", over=there)],
            [ls.ablate("pos"), ls.ablate("L1.H1")],
        ]
    return found


def assert_same_run(one: ls.Trace, other: ls.Trace) -> None:
    """Every number of one run is that of the other."""
    assert_close(one.logits, other.logits)
    assert (one.edits, one.batched) == (other.edits, other.batched)
    for writer in wiring(one.weights).writers:
        assert_close(one.written(writer), other.written(writer))
    for head in one.weights.architecture.heads:
        assert_close(one.pattern(head), other.pattern(head))
        assert_close(one.scores(head), other.scores(head))
    for layer in range(one.weights.architecture.n_layers + 1):
        assert_close(one.residual(layer), other.residual(layer))
    for mine, full in zip(one.record.layers, other.record.layers, strict=True):
        for name in ("inverse_scale", "q_scale", "k_scale", "mlp_inverse_scale", "after_heads", "after_mlp"):
            found, expected = getattr(mine, name), getattr(full, name)
            assert (found is None) == (expected is None), name
            if found is not None:
                assert_close(found.expand(expected.shape), expected)


def runs_of(model: ls.Weights, batched: bool) -> tuple[ls.Trace, ls.Trace]:
    tokens, others = some_tokens(model), some_tokens(model, seed=1)
    if not batched:
        tokens, others = tokens[0], others[0]
    return ls.run(model, tokens, record=True), ls.run(model, others, record=True)


@each("kind", [MODERN[0], MODERN[4], MODERN[7], MODERN[11], SHORT], str)
def test_a_rerun_is_a_run(kind: Kind) -> None:
    model = tiny(kind)
    here, there = runs_of(model, batched=kind.norm == "layer")
    lists = lists_of(model, here, there)
    prompt = here.tokens if here.batched else here.tokens[0]
    met: list[int] = []
    for batch in reruns(here, lists, keep=True):
        for run, place in enumerate(batch.places):
            assert_same_run(batch.trace_of(run), ls.run(model, prompt, lists[place], record=True))
        met += batch.places
    assert sorted(met) == list(range(len(lists)))


@each("kind", [MODERN[11], SHORT], str)
def test_a_run_with_edits_can_be_edited_further(kind: Kind) -> None:
    model = tiny(kind)
    tokens = some_tokens(model)
    there = ls.run(model, some_tokens(model, seed=1), record=True)
    base: list[Edit] = [ls.ablate("L0.H1"), ls.cut("L0.H1", "L1.H0.K", by="zero"), ls.cut("embed", "L2.H0.V")]
    edited = ls.run(model, tokens, base, record=True)
    more: list[Sequence[Edit]] = [
        [],
        [ls.cut("L0.H1", "L2.H1.K")],
        [ls.ablate("L1.H1")],
        [ls.ablate("embed", by="zero")],
        [ls.cut("embed", "L2.H0.V", by="zero")],
        [ls.freeze("norms", there)],
    ]
    for edits in more:
        assert_same_run(rerun(edited, edits), ls.run(model, tokens, [*base, *edits], record=True))


@each("kind", [MODERN[3], MODERN[11], SHORT], str)
def test_one_token_is_asked_for(kind: Kind) -> None:
    model = tiny(kind)
    tokens = some_tokens(model)
    alike = torch.cat([tokens[:, :4], some_tokens(model, seed=1)[:, 4:]], 1)  # a run that begins like this one
    here, there = ls.run(model, tokens, record=True), ls.run(model, alike, record=True)
    lists = lists_of(model, here, there)
    for at in (2, tokens.shape[1] - 1):
        for batch in reruns(here, lists, at=at):
            for run, place in enumerate(batch.places):
                whole = ls.run(model, tokens, lists[place])
                assert_close(batch.logits[batch.rows(run)][:, 0], whole.logits[:, at])
    for batch in reruns(here, lists):
        for run, place in enumerate(batch.places):
            assert_close(batch.logits[batch.rows(run)], ls.run(model, tokens, lists[place]).logits)


def test_no_more_is_run_than_the_edits_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    model = tiny(MODERN[2])
    tokens = some_tokens(model)
    alike = torch.cat([tokens[:, :5], some_tokens(model, seed=1)[:, 5:]], 1)
    here, there = ls.run(model, tokens, record=True), ls.run(model, alike, record=True)
    patches: list[list[Edit]] = [[ls.patch("embed", there, reader=f"L1.H{head}.K")] for head in range(3)]
    (batch,) = reruns(here, patches)
    assert (batch.start, batch.first, batch.places) == (1, 5, (0, 1, 2))
    (early,) = reruns(here, patches, at=2)
    assert early.first == 2
    groups = [[ls.ablate("L2.H0")], [ls.cut("L2.H0", "unembed")], [ls.ablate("embed")], [ls.ablate("L2.mlp")]]
    assert [(each.start, each.places) for each in reruns(here, groups)] == [(0, (2,)), (2, (0, 3)), (3, (1,))]
    monkeypatch.setattr("loadstore.causal.engine.TOKENS", 2 * tokens.numel())
    assert [each.places for each in reruns(here, patches)] == [(0, 1), (2,)]
    monkeypatch.setattr("loadstore.causal.engine.TOKENS", 2 * tokens.numel() - 1)
    assert [each.places for each in reruns(here, patches)] == [(0,), (1,), (2,)]


def test_an_edit_begins_in_the_first_layer_that_it_can_change() -> None:
    model = tiny(MODERN[0])
    trace = ls.run(model, some_tokens(model), record=True)
    expected = {
        ls.ablate("embed"): 0,
        ls.ablate("pos"): 0,
        ls.ablate("L1.H1"): 1,
        ls.ablate("L2.mlp"): 2,
        ls.cut("L0.H0", "L2.H1.Q"): 2,
        ls.cut("L0.H0", "L0.mlp"): 0,
        ls.cut("embed", "unembed"): 3,
        ls.freeze("patterns", trace, heads=["L1.H0", "L2.*"]): 1,
        ls.freeze("norms", trace): 3,  # its own scales change nothing before another edit does
        ls.freeze("norms", ls.run(model, trace.tokens)): 0,
    }
    assert {edit: starts(trace, edit) for edit in expected} == expected


def test_edits_that_do_not_fit_are_refused() -> None:
    model = tiny(MODERN[0])
    trace = ls.run(model, some_tokens(model), record=True)
    with pytest.raises(NoSuchWire):
        rerun(trace, [ls.cut("L2.H0", "L1.H0.Q")])
    with pytest.raises(BadRequest, match="same place"):
        rerun(ls.run(model, trace.tokens, [ls.ablate("L0.H0", over=trace)], record=True), [ls.ablate("L0.H0")])
