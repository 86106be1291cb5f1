"""Every public function on every kind of model: a finite result of the right shape, or Undefined with its reason."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from tiny import FEW, UNUSUAL, Kind, some_tokens, tiny
from torch import Tensor

import loadstore as ls
from loadstore.causal.own_cuts import own_cuts
from loadstore.decomposition.stored import stores
from loadstore.errors import LoadstoreError, Undefined
from loadstore.model.wiring import wiring
from loadstore.wire_traffic.exact import reader_traffic

HEAD = "L1.H2"


def offset(model: ls.Weights) -> int | None:
    """W_QK needs one where positions turn."""
    return None if model.architecture.rotary is None else 2


def repeats() -> Tensor:
    once = torch.randperm(17, generator=torch.Generator().manual_seed(1))[:5]
    return torch.cat([once, once])[None].expand(3, -1)


def dossier(model: ls.Weights) -> list[float]:
    found = ls.experiments.dossier(model, HEAD, sequences=3, offset=offset(model))
    wires = [wire.alignment for wire in (*found.reads, *found.readers)]
    return [*found.singular_values, found.eigenvalue_score, found.ablation[0].effect, found.matched[0].score, *wires]


def address(model: ls.Weights) -> list[float]:
    found = ls.address(ls.run(model, repeats()[0]), HEAD, 6)
    assert str(found).startswith(HEAD)
    return [share for side in "QKV" for share in found.shares[side].values()]


WORK: dict[str, Callable[[ls.Weights], object]] = {
    "spectrum of every writer": lambda m: [
        ls.spectrum(m, w).eigenvalue.values for w in wiring(m).writers if w.kind != "bias"
    ],
    "subspace_scores": lambda m: ls.subspace_scores(m, readers=["L1.H2.?", "unembed"]).score.values[0],
    "subspace_scores, reversed": lambda m: ls.subspace_scores(m, norms="ignore", control="reversed").score.values[0],
    "copying": lambda m: ls.vocabulary.copying(m, ["L0.H1", HEAD]).accuracy.values,
    "key_composition": lambda m: ls.vocabulary.key_composition(m, HEAD, "L0.H1", offset=offset(m)).accuracy.values,
    "moved": lambda m: ls.vocabulary.moved(m, HEAD, top=4, k=2)["logit"].values,
    "matched": lambda m: ls.vocabulary.matched(m, HEAD, top=4, offset=offset(m)).score.values,
    "head_roles": lambda m: ls.head_roles(m, repeats()).previous.values,
    "head_roles, random": lambda m: ls.head_roles(m, "random", sequences=3).previous.values,
    "ablation_effects": lambda m: (
        ls.experiments.ablation_effects(m, [HEAD, ("L0.H0", "L0.H1")], on=repeats()).effect.values
    ),
    "dossier": dossier,
    "address": address,
    "stores": lambda m: [one.share for one in stores(ls.run(m, repeats()[0]), 2, 4)],
    "traffic of a side": lambda m: list(reader_traffic(ls.run(m, repeats()), "L1.H2.V").values()),
    "own_cuts": lambda m: own_cuts(ls.run(m, repeats()), "L1.H2.K").change.values,
    "sweep": lambda m: (
        ls.experiments.sweep(ls.run(m, repeats()), "L0.* -> L1.*", metric=ls.metrics.loss()).change.values
    ),
    "effect": lambda m: (
        ls.effect(m, repeats(), [ls.freeze("patterns", ls.run(m, repeats())), ls.ablate(HEAD)], ls.metrics.kl()).afters
    ),
    "edited run": lambda m: ls.run(m, some_tokens(m), [ls.ablate(HEAD), ls.cut("embed", "L2.H0.Q")]).logits.numpy(),
}


@pytest.mark.parametrize("kind", FEW, ids=str)
def test_every_function_has_a_result_on_every_kind(kind: Kind) -> None:
    model = tiny(kind)
    for name, work in WORK.items():
        found = work(model)
        values = np.concatenate([np.ravel(one) for one in found]) if isinstance(found, list) else np.ravel(found)
        assert values.size > 0, name
        assert np.isfinite(values).all(), name


REFUSALS: dict[str, tuple[Callable[[ls.Weights], object], str]] = {
    "traffic of the unembedding": (lambda m: reader_traffic(ls.run(m, repeats()), "unembed"), "Q, K and V wires"),
    "cuts of V": (lambda m: own_cuts(ls.run(m, repeats()), "L1.H2.V"), "ask for a Q or a K"),
}
OF_MLPS: dict[str, tuple[Callable[[ls.Weights], object], str]] = {
    "traffic of an MLP": (lambda m: reader_traffic(ls.run(m, repeats()), "L1.mlp"), "Q, K and V wires"),
    "cuts of an MLP": (lambda m: own_cuts(ls.run(m, repeats()), "L1.mlp"), "ask for a Q or a K"),
}
TURNING: dict[str, tuple[Callable[[ls.Weights], object], str]] = {
    "matched": (lambda m: ls.vocabulary.matched(m, HEAD), "give one, offset="),
    "key_composition": (lambda m: ls.vocabulary.key_composition(m, HEAD, "L0.H0"), "give one, offset="),
}


@pytest.mark.parametrize("kind", FEW, ids=str)
def test_what_a_kind_does_not_define_says_why(kind: Kind) -> None:
    model = tiny(kind)
    refused = REFUSALS | (OF_MLPS if kind.mlp else {}) | (TURNING if kind.rotary else {})
    for name, (work, reason) in refused.items():
        with pytest.raises(Undefined) as caught:
            work(model)
        assert reason in str(caught.value), name


@pytest.mark.parametrize("kind", [kind for kind in FEW if kind.biases], ids=str)
def test_a_constant_has_no_spectrum(kind: Kind) -> None:
    with pytest.raises(Undefined, match=r"what L0\.bias of .* writes has no spectrum"):
        ls.spectrum(tiny(kind), "L0.bias")


def last(model: ls.Weights) -> str:
    return str(model.architecture.heads[-1])


def first_prompt(model: ls.Weights) -> ls.Trace:
    return ls.run(model, some_tokens(model, batch=1)[0])


ANY: dict[str, Callable[[ls.Weights], object]] = {  # with numbers that fit every size
    "scores": lambda m: ls.subspace_scores(m, null="heads").score.values,
    "reversed": lambda m: ls.subspace_scores(m, norms="ignore", control="reversed").score.values,
    "rotated": lambda m: ls.subspace_scores(m, control="haar").score.values,
    "weighted": lambda m: ls.subspace_scores(m, frequencies=np.ones(m.architecture.vocab)).score.values,
    "roles": lambda m: ls.head_roles(m, some_tokens(m)).previous.values,
    "kl": lambda m: ls.effect(m, some_tokens(m), [ls.ablate(last(m))], ls.metrics.kl()).afters,
    "cut": lambda m: ls.run(m, some_tokens(m), [ls.cut("embed", f"{last(m)}.Q")]).logits.numpy(),
    "sweep": lambda m: ls.experiments.sweep(ls.run(m, some_tokens(m)), metric=ls.metrics.kl()).change.values,
    "stores": lambda m: [one.share for one in stores(first_prompt(m), 1, -1)],
    "traffic of a side": lambda m: list(reader_traffic(ls.run(m, some_tokens(m)), f"{last(m)}.V").values()),
    "own cuts": lambda m: own_cuts(ls.run(m, some_tokens(m)), f"{last(m)}.K").change.values,
}
OF_TWO: dict[str, Callable[[ls.Weights], object]] = {  # a context of one token has nothing to predict
    "stream": lambda m: [each.numpy().ravel() for each in ls.statistics.stream_moments(m, some_tokens(m)).values()],
    "traffic": lambda m: ls.traffic(m, some_tokens(m)).traffic.values,
    "exact traffic": lambda m: ls.traffic(m, some_tokens(m), exact=True).traffic.values,
    "wires": lambda m: ls.wires(m, some_tokens(m)).traffic.values,
    "map": lambda m: [float(region.variance) for region in ls.memory_map(m, some_tokens(m)).regions],
    "lifetimes": lambda m: [float(np.nansum(row)) for row in ls.lifetimes(m, some_tokens(m), checks=2).rho],
    "reach": lambda m: [row.mean for row in ls.reach(m, some_tokens(m)).readers],
    "loss": lambda m: ls.effect(m, some_tokens(m), [ls.ablate(last(m))], ls.metrics.loss()).afters,
    "ablation": lambda m: ls.experiments.ablation_effects(m, [last(m)], on=some_tokens(m)).effect.values,
}
OF_TWO_TOKENS: dict[str, Callable[[ls.Weights], object]] = {  # of a vocabulary, to choose between
    "listing": lambda m: [ls.listing(first_prompt(m)).probability],
    "difference": lambda m: ls.effect(m, some_tokens(m), [ls.ablate(last(m))], ls.logit_difference(0, 1)).afters,
}


@pytest.mark.parametrize("kind", UNUSUAL, ids=str)
def test_every_function_has_a_result_or_a_reason_whatever_the_sizes(kind: Kind) -> None:
    model, shape = tiny(kind), tiny(kind).architecture
    network = wiring(model)
    for name, work in (ANY | OF_TWO | OF_TWO_TOKENS).items():
        if (name in OF_TWO and shape.context < 2) or (name in OF_TWO_TOKENS and shape.vocab < 2):
            with pytest.raises(LoadstoreError, match=r"[a-z]{3}"):
                work(model)
            continue
        found = work(model)
        values = np.concatenate([np.ravel(one) for one in found]) if isinstance(found, list) else np.ravel(found)
        assert np.isfinite(values).any() or 1 in (shape.context, shape.vocab, shape.d_model), name
        if values.size == network.exists.size:  # of wires: only those that there are
            assert not (np.isfinite(values.reshape(network.exists.shape)) & ~network.exists).any(), name
