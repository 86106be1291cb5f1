"""Enforcement is an exact projection of weights, the same as edits of a run, and it changes nothing else."""

from dataclasses import replace

import pytest
import torch
from depth import deep
from each import each
from planted import planted, rotation
from tiny import FEW, HALF, OTHER_HALF, Kind, Sizes, some_tokens, tiny

from loadstore.causal.engine import rerun
from loadstore.errors import BadRequest, Undefined
from loadstore.execution.forward import forward
from loadstore.execution.kinds import reader_of, source_of, writer_of
from loadstore.execution.run import run
from loadstore.model.denied import ungrouped
from loadstore.model.gauge import rotate_stream
from loadstore.model.layers import Norm
from loadstore.model.norms import normalise
from loadstore.model.ports import reading
from loadstore.model.wiring import wiring
from loadstore.permissions.enforce import enforce, policy_edits
from loadstore.permissions.policy import Policy
from loadstore.permissions.sources import subspace
from loadstore.permissions.subspace import Subspace

KINDS = [*FEW, Kind("rotary", "layer", True, "parallel", sizes=Sizes(d_model=5, d_head=6, width=3))]
ROWS = 2


def secret(model, seed: int = 0, rank: int = ROWS) -> Subspace:
    generator = torch.Generator().manual_seed(seed)
    return subspace(model, torch.randn(rank, model.architecture.d_model, generator=generator, dtype=torch.float64))


def with_dead_gains(model):
    """The same model with a gain of 0 in every norm before a block."""

    def dead(norm: Norm | None) -> Norm | None:
        if norm is None or norm.gain is None:
            return norm
        gain = norm.gain.clone()
        gain[1] = 0
        return replace(norm, gain=gain)

    layers = [replace(one, norm=dead(one.norm), after_heads=dead(one.after_heads)) for one in model.layers]
    return replace(model, layers=tuple(layers), final_norm=dead(model.final_norm))


def read_of(model, reader, stream, behind):
    """What a reader computes from a stream and what is added behind its norm, with 1/σ = 1."""
    port = reading(model, reader)
    ones = torch.ones(len(stream), 1, dtype=torch.float64)
    x = normalise(stream, port.norm, 1e-5, ones)[0]
    takes = model.architecture.positions_bypass_norm and reader.side in ("Q", "K")
    bias = port.bias
    return (x + behind if takes else x) @ port.matrix + (0 if bias is None else bias)


@each("kind", deep([*KINDS, *KINDS[:6]], usual=[*HALF, *KINDS[:6]]))
def test_a_denied_reader_computes_the_same_whatever_the_subspace_holds_and_reads_all_else(kind: Kind) -> None:
    model = with_dead_gains(tiny(kind)) if kind in KINDS[:6] else tiny(kind)
    space = secret(model)
    enforced = enforce(model, Policy({"p": space}, load={"p": []}))
    x, behind, part = (torch.randn(4, model.architecture.d_model, dtype=torch.float64) for _ in range(3))
    inside = part @ space.rows.mT @ space.rows
    scale = float(x.abs().max())
    for reader in wiring(model).readers:
        was, now = (read_of(enforced, reader, x + more, behind + more) for more in (0, inside))
        torch.testing.assert_close(now, was, rtol=0, atol=1e-12 * scale * 100)
        port = reading(model, reader)
        lost = port.folded() - reading(enforced, reader).folded()
        assert torch.linalg.matrix_rank(lost, rtol=1e-9) <= ROWS * (
            2 if model.architecture.positions_bypass_norm else 1
        )
        torch.testing.assert_close(port.const, reading(enforced, reader).const)


@each("kind", deep(KINDS, usual=OTHER_HALF))
def test_a_denied_writer_stores_nothing_in_the_subspace(kind: Kind) -> None:
    model = tiny(kind)
    space, tokens = secret(model), some_tokens(model)
    trace = run(enforce(model, Policy({"p": space}, store={"p": []})), tokens)
    for writer in wiring(model).writers:
        store = trace.store(writer)
        assert float((store @ space.rows.mT).abs().max()) < 1e-12 * max(1.0, float(store.abs().max()))


@each("kind", deep(KINDS, usual=HALF))
def test_edits_of_a_run_give_what_enforced_weights_give(kind: Kind) -> None:
    """Every right: Q, K, V, MLP and logits read; embedding, positions, heads, biases and MLPs write."""
    model = tiny(kind)
    tokens, spaces = some_tokens(model), {"p": secret(model), "q": secret(model, 1, 1)}
    reads = {"p": ["!L1.*", "!unembed"], "q": ["!*.K"]}
    policies = [
        Policy(spaces, load=reads, store={"p": [], "q": ["!*.mlp"] if kind.mlp else []}),
        Policy(spaces, load=reads),
        Policy(spaces, store={"p": ["!L0.H0"]}),
    ]
    for policy in policies:
        edits = policy_edits(model, policy)
        edited, enforced = run(model, tokens, edits, record=True), run(enforce(model, policy), tokens)
        for logits in (edited.all_logits, forward(model, edited.tokens, edits)):
            torch.testing.assert_close(logits, enforced.all_logits, rtol=1e-9, atol=1e-9)
        for writer in wiring(model).writers:
            torch.testing.assert_close(edited.written(writer), enforced.written(writer), rtol=1e-9, atol=1e-9)
        assert float((edited.logits - run(model, tokens).logits).abs().max()) > 1e-3


def test_two_edits_of_one_site_deny_what_both_name() -> None:
    model = tiny(FEW[-1])
    spaces, tokens = {"p": secret(model), "q": secret(model, 1, 1)}, some_tokens(model)
    both = Policy(spaces, load={"p": [], "q": []}, store={"p": [], "q": []})
    apart = [Policy({name: space}, load={name: []}, store={name: []}) for name, space in spaces.items()]
    edits = [edit for policy in apart for edit in policy_edits(model, policy)]
    enforced = run(enforce(model, both), tokens).logits
    torch.testing.assert_close(run(model, tokens, edits).logits, enforced, rtol=1e-9, atol=1e-9)


def test_a_run_of_before_cannot_be_used_for_a_denied_head() -> None:
    model = tiny(FEW[1])
    edits = policy_edits(model, Policy({"p": secret(model)}, store={"p": ["!L0.H0"]}))
    with pytest.raises(Undefined, match=r"denying what L0.H0 stores changes weights.*run the prompt again"):
        rerun(run(model, some_tokens(model)), edits)


@each("kind", deep(KINDS, usual=OTHER_HALF))
def test_enforcing_twice_is_enforcing_once_and_an_empty_policy_changes_no_bit(kind: Kind) -> None:
    model = tiny(kind)
    policy = Policy({"p": secret(model)}, load={"p": ["unembed"]}, store={"p": ["embed"]})
    once = enforce(model, policy)
    for (name, one), (_, two) in zip(once.named(), enforce(once, policy).named(), strict=True):
        assert torch.allclose(one, two, rtol=0, atol=1e-12 * max(1.0, float(one.abs().max()))), name
    assert enforce(model, Policy()) is model
    assert enforce(model, Policy({"p": secret(model)}, load={"p": "*"})) is model


def test_denying_only_what_a_policy_denies_leaves_the_other_tensors_the_same_memory() -> None:
    model = tiny(FEW[4])
    enforced = enforce(model, Policy({"p": secret(model)}, load={"p": ["!L1.H0.K"]}))
    others = dict(model.named())
    changed = {name for name, tensor in enforced.named() if name not in others or tensor is not others[name]}
    assert changed == {"layers.1.W_K", "layers.1.b_K"}
    assert torch.equal(enforced.layers[1].W_K[1:], model.layers[1].W_K[1:])


@each("kind", [kind for kind in KINDS if kind.kv])
def test_keys_of_one_query_head_are_denied_after_ungrouping_which_changes_nothing(kind: Kind) -> None:
    model = tiny(kind)
    tokens, policy = some_tokens(model), Policy({"p": secret(model)}, load={"p": ["!L1.H1.K"]})
    with pytest.raises(BadRequest, match=r"L1.H1.K is denied what L1.H0.K.* may load, but they share one matrix"):
        enforce(model, policy)
    torch.testing.assert_close(run(ungrouped(model), tokens).logits, run(model, tokens).logits, rtol=1e-12, atol=1e-12)
    enforced = enforce(model, policy, ungroup=True)
    torch.testing.assert_close(
        run(enforced, tokens).logits, run(model, tokens, policy_edits(model, policy)).logits, rtol=1e-9, atol=1e-9
    )
    group = [f"!L1.H{head}.K" for head in range(kind.n_heads)]
    assert enforce(model, Policy({"p": secret(model)}, load={"p": group})).architecture == model.architecture


def test_a_tied_model_is_untied_where_one_side_changes() -> None:
    model = tiny(FEW[0])
    model = replace(model, W_U=model.W_E.mT)
    assert model.tied
    enforced = enforce(model, Policy({"p": secret(model)}, store={"p": ["!embed"]}))
    assert not enforced.tied
    assert enforced.W_U is model.W_U


def test_a_rotated_stream_is_denied_the_rotated_subspace() -> None:
    model, R = planted(), rotation()
    space, tokens = subspace(model, "L0.H0"), torch.tensor([[0, *range(1, 8), *range(1, 8)]])
    plain = run(enforce(model, Policy({"p": space}, load={"p": []})), tokens).logits
    turned = Policy({"p": Subspace(space.rows @ R, "turned")}, load={"p": []})
    torch.testing.assert_close(
        run(enforce(rotate_stream(model, R), turned), tokens).logits, plain, rtol=1e-9, atol=1e-9
    )
    assert float((plain - run(model, tokens).logits).abs().max()) > 0.5


def test_a_denial_names_its_site_and_takes_nothing_from_another_run() -> None:
    model = tiny(FEW[-1])
    edits = policy_edits(model, Policy({"p": secret(model)}, load={"p": ["!L1.H0.K"]}, store={"p": ["!L0.H0"]}))
    assert {str(edit) for edit in edits} == {f"deny {site} {ROWS} directions" for site in ("L1.H0.K", "L0.H0")}
    assert {str(reader_of(edit)) for edit in edits} == {"L1.H0.K", "None"}
    assert {str(writer_of(edit)) for edit in edits} == {"L0.H0", "None"}
    assert {source_of(edit) for edit in edits} == {None}
