"""What changes no number: a sign, a basis, a numbering. And what does: the order of the coordinates."""

from dataclasses import replace

import numpy as np
import planted
import pytest
import torch
from each import each
from tiny import FEW, HALF, KINDS, OTHER_HALF, Kind, some_tokens, tiny
from torch import Tensor

from loadstore.errors import BadRequest, Undefined
from loadstore.execution.run import run
from loadstore.heads.roles import head_roles
from loadstore.model.gauge import permute_heads, rotate_stream
from loadstore.model.layers import MlpLayer, Norm
from loadstore.model.rotary import Rotary
from loadstore.model.weights import Weights
from loadstore.scores.measures import OF_A_WIRE
from loadstore.scores.scores import subspace_scores

NAMES = (*OF_A_WIRE, "relative")
WITH_POS = [kind for kind in FEW if kind.positions in ("learned", "shortformer")]


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


@each("kind", WITH_POS, str)
def test_negating_the_positions_changes_no_score(kind: Kind) -> None:
    model = tiny(kind)
    assert_same_scores(model, replace(model, W_pos=-model.W_pos))


@each("kind", WITH_POS, str)
def test_but_it_changes_behaviour(kind: Kind) -> None:
    model, tokens = tiny(kind), some_tokens(tiny(kind))
    negated = replace(model, W_pos=-model.W_pos)
    assert (run(model, tokens).logits - run(negated, tokens).logits).abs().max() > 1e-2


def without_gains(model: Weights) -> Weights:
    """Every norm without γ and β; what it centres it still centres."""

    def bare(norm: Norm | None) -> Norm | None:
        return None if norm is None else Norm(centres=norm.centres)

    def bare_mlp(mlp: MlpLayer | None) -> MlpLayer | None:
        return None if mlp is None else replace(mlp, norm=bare(mlp.norm), after=bare(mlp.after))

    layers = tuple(
        replace(layer, norm=bare(layer.norm), mlp=bare_mlp(layer.mlp), after_heads=bare(layer.after_heads))
        for layer in model.layers
    )
    return replace(model, layers=layers, final_norm=bare(model.final_norm))


@each("kind", [kind for kind in HALF if kind.norm != "layer"], str)
def test_an_orthogonal_change_of_basis_changes_no_score_no_role_and_no_logit(kind: Kind) -> None:
    model = without_gains(tiny(kind))  # the length of a vector has no basis, a mean or a gain has one
    turned = rotate_stream(model, planted.rotation(12))
    assert_same_scores(model, turned)
    assert_same_behaviour(model, turned)


@each("kind", [kind for kind in OTHER_HALF if kind.norm != "none"], str)
def test_a_mean_or_a_gain_fixes_the_basis(kind: Kind) -> None:
    for model in [tiny(kind)] + ([without_gains(tiny(kind))] if kind.norm == "layer" else []):
        with pytest.raises(Undefined, match="fix the basis"):
            rotate_stream(model, planted.rotation(12))


def inside_changed(model: Weights, M: Tensor) -> Weights:
    """W_QK = (W_Q M)(W_K M⁻ᵀ)ᵀ in every head, biases too."""
    dual = torch.linalg.inv(M).mT

    def times(bias: Tensor | None, matrix: Tensor) -> Tensor | None:
        return None if bias is None else bias @ matrix

    layers = tuple(
        replace(
            layer,
            W_Q=layer.W_Q @ M,
            W_K=layer.W_K @ dual,
            b_Q=times(layer.b_Q, M),
            b_K=times(layer.b_K, dual),
        )
        for layer in model.layers
    )
    return replace(model, layers=layers)


def some_basis(rotary: Rotary | None = None) -> Tensor:
    """An invertible matrix; one that commutes with the turns if there are any: each pair turned and scaled."""
    M = torch.randn(4, 4, generator=torch.Generator().manual_seed(5), dtype=torch.float64) + 2 * torch.eye(4)
    if rotary is not None:
        paired = torch.arange(4) < rotary.dimensions
        M[paired[:, None] | paired[None]] = 0.0
        for number, (one, two) in enumerate(zip(*rotary.first_and_second(), strict=True)):
            M[one, one] = M[two, two] = 0.8 + number
            M[one, two], M[two, one] = 1.7, -1.7
    return M


@each("kind", HALF, str)
def test_a_change_of_basis_inside_heads_changes_no_score_no_role_and_no_logit(kind: Kind) -> None:
    # The inside of a head has no preferred basis; in Q and K rotary positions prefer the pairs, a norm every axis.
    model = tiny(kind)
    width = model.architecture.value_width
    any_basis = some_basis()[:width, :width]
    changed = model if kind.qk_norm else inside_changed(model, some_basis(model.architecture.rotary))
    layers = tuple(
        replace(
            layer,
            W_V=layer.W_V @ any_basis,
            W_O=torch.linalg.inv(any_basis) @ layer.W_O,
            b_V=None if layer.b_V is None else layer.b_V @ any_basis,
        )
        for layer in changed.layers
    )
    changed = replace(changed, layers=layers)
    assert_same_scores(model, changed)
    assert_same_behaviour(model, changed)


@each("kind", [kind for kind in OTHER_HALF if kind.rotary], str)
def test_but_rotary_positions_fix_the_pairs_of_q_and_k(kind: Kind) -> None:
    model, tokens = tiny(kind), some_tokens(tiny(kind))
    changed = inside_changed(model, some_basis())
    assert (run(model, tokens).logits - run(changed, tokens).logits).abs().max() > 1e-2
    assert float(abs(subspace_scores(model).score - subspace_scores(changed).score).max()) > 1e-2


@each("kind", HALF, str)
def test_renumbering_heads_renumbers_results_and_nothing_else(kind: Kind) -> None:
    model, order = tiny(kind), [2, 0, 1]
    if kind.kv:
        with pytest.raises(Undefined, match="share keys and values"):
            permute_heads(model, 1, [*order, *range(3, kind.n_heads)])
        return
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
    with pytest.raises(BadRequest, match="not a permutation"):
        permute_heads(tiny(KINDS[0]), 0, [0, 0, 1])


@each("kind", OTHER_HALF, str)
def test_reversing_or_rotating_what_is_written_changes_scores_and_keeps_the_null(kind: Kind) -> None:
    model = tiny(kind)
    before = subspace_scores(model)
    for control in ("reversed", "haar"):
        after = subspace_scores(model, control=control)
        assert float(abs(before.score - after.score).where(before.score > 0).mean()) > 0.01, control
        for name in ("chance", "ceiling"):
            np.testing.assert_allclose(before[name], after[name], atol=1e-10, err_msg=f"{control}: {name}")


@pytest.mark.parametrize("scheme", ["learned", "shortformer"])
def test_reversal_destroys_what_negation_leaves(scheme: str) -> None:
    model = planted.with_noise(planted.planted(scheme), 0.01)
    wire = {"writers": "pos", "readers": "L0.H0.Q"}
    plain, reversed_ = (subspace_scores(model, **wire, control=c).alignment.item() for c in ("none", "reversed"))
    negated = subspace_scores(planted.with_negated_positions(model), **wire).alignment.item()
    assert plain == pytest.approx(negated, abs=1e-12)
    assert plain > 0.9
    assert reversed_ < 0.1
