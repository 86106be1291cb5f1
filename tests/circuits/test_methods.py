"""Attributions of wires: sums, derivatives and the relations of methods, for every kind of model."""

from dataclasses import replace

import pytest
import torch
from circuits.naive import circuit_run
from each import each
from tiny import FEW, HALF, UNUSUAL, Kind, some_tokens, tiny
from torch import Tensor

import loadstore as ls
from loadstore.causal.predictions import DivergenceAt
from loadstore.circuits.context import Context, contexts
from loadstore.circuits.methods import attributions, run_at
from loadstore.circuits.pairs import Pairs, paired


def some_pairs(kind: Kind, first: int = 1) -> Pairs:
    """Three pairs of unequal length that differ from token ``first`` on, with targets of their own."""
    model = tiny(kind)
    clean, other = some_tokens(model, 3), some_tokens(model, 3, seed=1)
    first = min(first, clean.shape[1] - 1)
    other[:, :first] = clean[:, :first]
    vocab = model.architecture.vocab
    good, bad = [0, 1 % vocab, 2 % vocab], [3 % vocab, 4 % vocab, 5 % vocab]
    metric = ls.metrics.log_probability(good) if vocab < 6 else ls.logit_difference(good, bad)
    lengths = [clean.shape[1], max(first + 1, clean.shape[1] - 2), clean.shape[1]]
    texts = [[row[:length].tolist() for row, length in zip(ids, lengths, strict=True)] for ids in (clean, other)]
    return paired(model, texts[0], texts[1], metric)


def context_of(kind: Kind, ablation: str = "counterfactual", norms: str = "free") -> Context:
    (context,) = contexts(some_pairs(kind), ablation, norms)
    return context


def test_attributions_sum_to_the_total_effect() -> None:
    context = context_of(FEW[4])
    total = context.all - context.none
    found = attributions(context, tolerance=1e-6)
    assert float((found.sum((1, 2)) - total).abs().sum()) < 1.001e-6 * float(total.abs().sum())
    assert float(found[:, ~context.live.exists].abs().max()) == 0
    missing = [float((attributions(context, points=n).sum((1, 2)) - total).abs().sum()) for n in (1, 4, 16)]
    assert missing[0] > missing[1] > missing[2]
    assert missing[2] < 1e-6 * float(total.abs().sum())


@each("kind", [*HALF, *(kind for kind in UNUSUAL[2:] if kind.sizes.vocab > 1)], ids=str)
def test_the_gradients_of_all_masks_sum_to_the_change_of_the_metric_with_all_masks(kind: Kind) -> None:
    for ablation, norms in (("counterfactual", "free"), ("mean", "frozen")):
        context, step = context_of(kind, ablation, norms), 1e-5
        up, down = (run_at(context, 0.5 + change).values.detach() for change in (step, -step))
        expected = (up - down) / (2 * step)
        found = attributions(context, points=1).sum((1, 2))
        scale = float(attributions(context, points=1).abs().sum((1, 2)).max())
        rounding = 1e-10 * max(1.0, float(up.abs().max()))
        assert float((found - expected).abs().max()) < 1e-7 * scale + rounding


@each("kind", [FEW[2], FEW[5], FEW[6], FEW[10], *FEW[-2:]], ids=str)
def test_one_point_is_the_derivative_by_each_mask(kind: Kind) -> None:
    context, step = context_of(kind), 1e-4
    model, pairs, live = context.weights, context.pairs, context.live
    found = attributions(context, points=1)  # the mask of the middle, 1/2
    clean, other = (ls.run(model, tokens, record=True) for tokens in (pairs.clean, pairs.counterfactual))

    def measured(mask: Tensor) -> Tensor:
        return context.measure(circuit_run(clean, other, live, mask)[range(len(pairs)), pairs.ends])

    wires = live.exists.nonzero().tolist()
    chosen = torch.randperm(len(wires), generator=torch.Generator().manual_seed(1))[:3].tolist()
    for writer, reader in (wires[place] for place in chosen):
        mask = live.exists * 0.5
        mask = mask.double()
        up, down = mask.clone(), mask.clone()
        up[writer, reader] += step
        down[writer, reader] -= step
        expected = (measured(up) - measured(down)) / (2 * step)
        scale = float(found.abs().max())
        assert float((found[:, writer, reader] - expected).abs().max()) < 1e-6 * scale


def test_eap_is_the_derivative_at_the_clean_run_and_eap_ig_of_one_point_the_same() -> None:
    context = context_of(FEW[-1])
    eap = attributions(context, "eap")
    assert torch.allclose(eap, attributions(context, "eap-ig", points=1))
    many = attributions(context, "eap-ig", points=5)
    assert float((many - eap).abs().max()) > 1e-3 * float(eap.abs().max())


def test_kl_compares_with_the_clean_run_from_the_first_gradient_on() -> None:
    pairs = some_pairs(FEW[4])
    pairs = replace(pairs, metric=DivergenceAt(-1))
    (fresh,), (known,) = contexts(pairs), contexts(pairs)
    assert float(known.none.min()) > 0
    assert float(known.all.abs().max()) < 1e-12
    found = attributions(fresh)
    assert torch.equal(found, attributions(known))
    assert float((found.sum((1, 2)) + fresh.none).abs().sum()) < 0.2 * float(fresh.none.sum())


def test_pairs_in_tiles_and_alone_have_the_same_attributions(monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = some_pairs(FEW[6])
    (together,) = contexts(pairs)
    monkeypatch.setattr("loadstore.circuits.context.ROOM", 1)
    apart = list(contexts(pairs))
    assert len(apart) == len(pairs)
    (mean,), apart_mean = list(contexts(pairs, "mean"))[:1], list(contexts(pairs, "mean"))
    assert [len(context.pairs) for context in apart_mean] == [1, 1, 1]
    assert {context.base.final.shape[1] for context in apart_mean} == {9, 7}
    assert mean.pairs.clean.shape[1] == 9
    for method in ("mask", "eap", "eap-ig"):
        one, other = attributions(together, method), torch.cat([attributions(each, method) for each in apart])
        assert torch.allclose(one, other, rtol=1e-9, atol=1e-12)
