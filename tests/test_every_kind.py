"""Every public function on every kind of model: a finite result of the right shape, or Undefined with its reason."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from tiny import KINDS, Kind, some_tokens, tiny
from torch import Tensor

import loadstore as ls
from loadstore.errors import Undefined
from loadstore.evidence.exact import reader_traffic
from loadstore.evidence.own_cuts import own_cuts
from loadstore.models.wiring import wiring
from loadstore.prompts.stored import stores

HEAD = "L1.H2"


def offset(model: ls.Weights) -> int | None:
    """W_QK needs one where positions turn."""
    return None if model.architecture.rotary is None else 2


def repeats() -> Tensor:
    once = torch.randperm(17, generator=torch.Generator().manual_seed(1))[:5]
    return torch.cat([once, once])[None].expand(3, -1)


def dossier(model: ls.Weights) -> list[float]:
    found = ls.dossier(model, HEAD, sequences=3, offset=offset(model))
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
    "subspace_scores, reversed": lambda m: ls.subspace_scores(m, "ignore", control="reversed").score.values[0],
    "copying": lambda m: ls.copying(m, ["L0.H1", HEAD]).accuracy.values,
    "key_composition": lambda m: ls.key_composition(m, HEAD, "L0.H1", offset=offset(m)).accuracy.values,
    "moved": lambda m: ls.moved(m, HEAD, top=4, k=2)["logit"].values,
    "matched": lambda m: ls.matched(m, HEAD, top=4, offset=offset(m)).score.values,
    "head_roles": lambda m: ls.head_roles(m, repeats()).previous.values,
    "head_roles, random": lambda m: ls.head_roles(m, "random", sequences=3).previous.values,
    "ablation_effects": lambda m: ls.ablation_effects(m, [HEAD, ("L0.H0", "L0.H1")], on=repeats()).effect.values,
    "dossier": dossier,
    "address": address,
    "stores": lambda m: [one.share for one in stores(ls.run(m, repeats()[0]), 2, 4)],
    "traffic of a side": lambda m: list(reader_traffic(ls.run(m, repeats()), "L1.H2.V").values()),
    "own_cuts": lambda m: own_cuts(ls.run(m, repeats()), "L1.H2.K").change.values,
    "sweep": lambda m: ls.sweep(ls.run(m, repeats()), "L0.* -> L1.*", metric=ls.loss()).change.values,
    "effect": lambda m: (
        ls.effect(m, repeats(), [ls.freeze("patterns", ls.run(m, repeats())), ls.ablate(HEAD)], ls.kl()).afters
    ),
    "edited run": lambda m: ls.run(m, some_tokens(m), [ls.ablate(HEAD), ls.cut("embed", "L2.H0.Q")]).logits.numpy(),
}


@pytest.mark.parametrize("kind", KINDS, ids=str)
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
    "matched": (lambda m: ls.matched(m, HEAD), "give one, offset="),
    "key_composition": (lambda m: ls.key_composition(m, HEAD, "L0.H0"), "give one, offset="),
}


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_what_a_kind_does_not_define_says_why(kind: Kind) -> None:
    model = tiny(kind)
    refused = REFUSALS | (OF_MLPS if kind.mlp else {}) | (TURNING if kind.rotary else {})
    for name, (work, reason) in refused.items():
        with pytest.raises(Undefined) as caught:
            work(model)
        assert reason in str(caught.value), name


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.biases], ids=str)
def test_a_constant_has_no_spectrum(kind: Kind) -> None:
    with pytest.raises(Undefined, match=r"what L0\.bias of .* writes has no spectrum"):
        ls.spectrum(tiny(kind), "L0.bias")
