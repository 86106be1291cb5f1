"""What changes no number: a sign, a basis, a numbering. And what does: the order of the coordinates."""

from dataclasses import replace

import numpy as np
import planted
import pytest
import torch
from tiny import KINDS, NORMED, UNNORMED, Kind, some_tokens, tiny

from loadstore.circuits.scores import MEASURES, subspace_scores
from loadstore.errors import BadRequest, Undefined
from loadstore.heads.roles import head_roles
from loadstore.models.gauge import permute_heads, rotate_stream
from loadstore.models.trace import run
from loadstore.models.weights import Weights

NAMES = (*MEASURES, "relative")


def assert_same_scores(one: Weights, other: Weights) -> None:
    before, after = subspace_scores(one), subspace_scores(other)
    for name in NAMES:
        np.testing.assert_allclose(before[name], after[name], atol=1e-10 if name != "z" else 1e-9, err_msg=name)


def assert_same_behaviour(one: Weights, other: Weights) -> None:
    tokens = some_tokens(one)
    assert (run(one, tokens).logits - run(other, tokens).logits).abs().max() < 1e-10
    before, after = head_roles(one, tokens), head_roles(other, tokens)
    for name in before:
        np.testing.assert_allclose(before[name], after[name], atol=1e-10, err_msg=name)


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_negating_the_positions_changes_no_score(kind: Kind) -> None:
    model = tiny(kind)
    assert_same_scores(model, replace(model, W_pos=-model.W_pos))


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_but_it_changes_behaviour(kind: Kind) -> None:
    model, tokens = tiny(kind), some_tokens(tiny(kind))
    negated = replace(model, W_pos=-model.W_pos)
    assert (run(model, tokens).logits - run(negated, tokens).logits).abs().max() > 1e-2


@pytest.mark.parametrize("kind", UNNORMED, ids=str)
def test_an_orthogonal_change_of_basis_changes_no_score_no_role_and_no_logit(kind: Kind) -> None:
    model = tiny(kind)
    turned = rotate_stream(model, planted.rotation(12))
    assert_same_scores(model, turned)
    assert_same_behaviour(model, turned)


@pytest.mark.parametrize("kind", NORMED, ids=str)
def test_a_layernorm_fixes_the_basis(kind: Kind) -> None:
    with pytest.raises(Undefined, match="fix the basis"):
        rotate_stream(tiny(kind), planted.rotation(12))


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_a_change_of_basis_inside_heads_changes_no_score_no_role_and_no_logit(kind: Kind) -> None:
    # W_QK = (W_Q M)(W_K M⁻ᵀ)ᵀ and W_OV = (W_V M)(M⁻¹ W_O): the inside of a head has no preferred basis.
    model = tiny(kind._replace(biases=False))
    M = torch.randn(4, 4, generator=torch.Generator().manual_seed(5), dtype=torch.float64) + 2 * torch.eye(4)
    inverse = torch.linalg.inv(M)
    layers = tuple(
        replace(layer, W_Q=layer.W_Q @ M, W_K=layer.W_K @ inverse.mT, W_V=layer.W_V @ M, W_O=inverse @ layer.W_O)
        for layer in model.layers
    )
    changed = replace(model, layers=layers)
    assert_same_scores(model, changed)
    assert_same_behaviour(model, changed)


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_renumbering_heads_renumbers_results_and_nothing_else(kind: Kind) -> None:
    model, order = tiny(kind), [2, 0, 1]
    renumbered = permute_heads(model, 1, order)
    tokens = some_tokens(model)
    assert (run(model, tokens).logits - run(renumbered, tokens).logits).abs().max() < 1e-12
    old_of = {f"L1.H{new}": f"L1.H{old}" for new, old in enumerate(order)}

    def old_name(site: str) -> str:
        return old_of[site[:5]] + site[5:] if site[:5] in old_of else site

    before, after = subspace_scores(model), subspace_scores(renumbered)
    matched = before.sel(
        writer=[old_name(w) for w in after.writer.values], reader=[old_name(r) for r in after.reader.values]
    )
    for name in NAMES:
        np.testing.assert_allclose(matched[name], after[name], atol=1e-9, err_msg=name)
    roles, renumbered_roles = head_roles(model, tokens), head_roles(renumbered, tokens)
    matched_roles = roles.sel(head=[old_name(h) for h in renumbered_roles["head"].values])
    for name in roles:
        np.testing.assert_allclose(matched_roles[name], renumbered_roles[name], atol=1e-12, err_msg=name)
    assert abs(roles.previous - renumbered_roles.previous.values).max() > 1e-3


def test_a_numbering_that_is_no_permutation_is_refused() -> None:
    with pytest.raises(BadRequest, match="no permutation"):
        permute_heads(tiny(KINDS[0]), 0, [0, 0, 1])


@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize("control", ["reversed", "haar"])
def test_reversing_or_rotating_what_is_written_changes_scores_and_keeps_the_null(kind: Kind, control: str) -> None:
    model = tiny(kind)
    before, after = subspace_scores(model), subspace_scores(model, control=control)
    wires = before.score > 0
    assert float(abs(before.score - after.score).where(wires).mean()) > 0.01
    for name in ("chance", "ceiling"):
        np.testing.assert_allclose(before[name], after[name], atol=1e-10, err_msg=name)


@pytest.mark.parametrize("scheme", ["learned", "shortformer"])
def test_reversal_destroys_what_negation_leaves(scheme: str) -> None:
    model = planted.with_noise(planted.planted(scheme), 0.01)
    wire = {"writers": "pos", "readers": "L0.H0.Q"}
    plain, reversed_ = (subspace_scores(model, **wire, control=c).alignment.item() for c in ("none", "reversed"))
    negated = subspace_scores(planted.with_negated_positions(model), **wire).alignment.item()
    assert plain == pytest.approx(negated, abs=1e-12)
    assert plain > 0.9
    assert reversed_ < 0.1
