"""Experts as sites: their stores sum to the MLP's, and what is done to all of them is what is done to the MLP."""

from functools import cache

import numpy as np
import torch
from each import each
from hostile import refusal, unchecked
from tiny import Kind, some_tokens, tiny
from torch import Tensor

import loadstore as ls
from loadstore.causal.cutting import cut_each
from loadstore.circuits.attribution import attribute_pairs
from loadstore.circuits.context import contexts
from loadstore.circuits.live import live
from loadstore.circuits.pairs import Pairs, paired
from loadstore.decomposition.decomposition import reader_parts
from loadstore.errors import BadRequest, NoSuchSite, Undefined
from loadstore.model.weights import Weights
from loadstore.model.wiring import wiring
from loadstore.sites import Reader, Writer, parse_reader, parse_writer
from loadstore.wire_traffic.moments import moments

SHARED = Kind("rotary", "rms", False, "gated", kv=2, qk_norm=True, scaled=True, experts="shared")
GROUPED = Kind("rotary", "rms", False, "gated", kv=2, experts="grouped")
ALONE = Kind("learned", "none", False, "gated parallel", experts="alone")
KINDS = [SHARED, GROUPED, ALONE]
every_kind = each("kind", KINDS, str)


@cache
def both(kind: Kind) -> tuple[Weights, Weights]:
    """A model, and the same with the experts of its last layer as sites."""
    model = tiny(kind)
    return model, model.with_experts(2)


def inside(model: Weights) -> list[str]:
    """The readers of the last MLP."""
    return [str(reader) for reader in wiring(model).readers if reader.layer == 2 and reader.is_mlp]


def parts(model: Weights) -> list[str]:
    """The writers of the last MLP."""
    return [str(writer) for writer in wiring(model).writers if writer.layer == 2 and writer.in_mlp]


def some_pairs(model: Weights) -> Pairs:
    """Three pairs that differ from token 2 on."""
    clean, other = some_tokens(model, 3), some_tokens(model, 3, seed=1)
    other[:, :2] = clean[:, :2]
    return paired(model, clean.tolist(), other.tolist(), ls.logit_difference([0, 1, 2], [3, 4, 5]))


def close(found: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)


def test_sites_have_names_that_are_read_back() -> None:
    for name in ("L3.E5", "l3.e5", "3.e5"):
        assert parse_writer(name) == Writer("expert", 3, 5)
    assert parse_reader("L3.E5") == Reader(3, 5, "expert")
    assert parse_reader("l3.router") == Reader(3, -1, "router")
    assert (str(parse_writer("3.shared")), str(parse_reader("L3.shared"))) == ("L3.shared", "L3.shared")
    refusal(lambda: parse_writer("L3.router"), NoSuchSite, "is not a writer")


@every_kind
def test_experts_take_the_place_of_the_mlp_and_sum_to_it(kind: Kind) -> None:
    whole, opened = both(kind)
    shared = ["L2.shared"] if kind.experts != "alone" else []
    assert parts(opened) == [*(f"L2.E{index}" for index in range(4)), *shared]
    assert inside(opened) == ["L2.router", *(f"L2.E{index}" for index in range(4)), *shared]
    tokens = some_tokens(whole)
    before, after = ls.run(whole, tokens), ls.run(opened, tokens)
    close(after.logits, before.logits)
    close(torch.stack([after.written(name) for name in parts(opened)]).sum(0), before.written("L2.mlp"))
    weights = after.routing(2)
    close(weights, before.routing(2))
    for index in range(4):
        assert ((after.written(f"L2.E{index}").abs().sum(-1) > 0) == (weights[..., index] > 0)).all()
    assert wiring(opened.with_experts([])).writers == wiring(whole).writers


@every_kind
def test_what_every_reader_loads_is_the_sum_of_its_writers_and_const(kind: Kind) -> None:
    _, opened = both(kind)
    trace = ls.run(opened, some_tokens(opened))
    record = trace.record.layers[2]
    close(torch.stack(list(reader_parts(trace, "L2.router").values())).sum(0), record.router)
    for reader in ("L2.E1", "unembed"):
        found = torch.stack(list(reader_parts(trace, reader).values())).sum(0)
        assert found.isfinite().all()
    close(torch.stack(list(reader_parts(trace, "unembed").values())).sum(0), trace.logits)


@every_kind
def test_scores_of_an_expert_are_those_of_its_matrices(kind: Kind) -> None:
    _, opened = both(kind)
    mlp, scale = opened.layers[2].mlp, opened.architecture.residual_scale
    assert mlp is not None
    assert mlp.experts is not None
    gain = torch.ones(12, dtype=torch.float64) if mlp.norm is None else mlp.norm.gain
    expert = mlp.experts[1]
    stores = torch.cat([expert.W_out, *([] if expert.b_out is None else [expert.b_out[None]])]) * scale
    unembed = opened.W_U - opened.W_U.mean(1, keepdim=True)
    if opened.final_norm is not None:
        unembed = opened.final_norm.gain[:, None] * unembed
    loads = {"L2.E1": torch.cat([expert.W_in, expert.W_gate], 1), "L2.router": mlp.experts.W_router}
    table = ls.subspace_scores(opened)

    def score(writes: Tensor, reads: Tensor) -> float:
        return float((writes @ reads).norm() / writes.norm() / reads.norm())

    np.testing.assert_allclose(float(table.score.sel(writer="L2.E1", reader="unembed")), score(stores, unembed))
    embed = opened.W_E * opened.architecture.embedding_scale
    for reader, matrix in loads.items():
        found = float(table.score.sel(writer="embed", reader=reader))
        np.testing.assert_allclose(found, score(embed, gain[:, None] * matrix))
    assert {"chance", "p", "ceiling", "alignment"} <= set(table.data_vars)
    assert np.isnan(table.score.sel(writer="L2.E1", reader="L2.E2"))
    assert "experts are sites in L2" in table.attrs["definition"]


@every_kind
def test_traffic_of_an_expert_is_the_size_of_its_weighted_stores(kind: Kind) -> None:
    whole, opened = both(kind)
    tokens = some_tokens(opened, batch=6)
    table = ls.traffic(opened, tokens)
    trace, unembed = ls.run(opened, tokens), opened.W_U - opened.W_U.mean(1, keepdim=True)
    store = trace.written("L2.E2")
    norm, scale = opened.final_norm, trace.record.final_inverse_scale
    moved = (store - store[:, 1:].mean((0, 1))) * (1 if norm is None else norm.gain * scale)
    expected = (moved[:, 1:] @ unembed).square().sum(-1).mean().sqrt()
    np.testing.assert_allclose(float(table.traffic.sel(writer="L2.E2", reader="unembed")), float(expected))
    shares = table.share.sel(reader="unembed").values
    np.testing.assert_allclose(np.nansum(shares), 1)
    mlp = float(ls.traffic(whole, tokens).share.sel(writer="L2.mlp", reader="unembed"))
    np.testing.assert_allclose(float(table.share.sel(writer=parts(opened), reader="unembed").sum()), mlp)
    refusal(lambda: ls.traffic(opened, moments(whole, tokens)), BadRequest, "other sites")


@every_kind
def test_cuts_of_all_parts_are_the_cut_of_the_mlp(kind: Kind) -> None:
    whole, opened = both(kind)
    tokens = some_tokens(whole)
    for edit, same in (
        (ls.cut("L0.H1", inside(opened)), ls.cut("L0.H1", "L2.mlp")),
        (ls.cut(parts(opened), "unembed"), ls.cut("L2.mlp", "unembed")),
        (ls.ablate(parts(opened)), ls.ablate("L2.mlp")),
        (ls.ablate(parts(opened), by="zero"), ls.ablate("L2.mlp", by="zero")),
    ):
        close(ls.run(opened, tokens, [edit]).logits, ls.run(whole, tokens, [same]).logits)


@every_kind
def test_a_cut_into_one_expert_changes_its_store_alone_and_one_into_the_router_the_choice(kind: Kind) -> None:
    _, opened = both(kind)
    tokens = some_tokens(opened)
    before, expert = ls.run(opened, tokens), ls.run(opened, tokens, [ls.cut("embed", "L2.E1")])
    changed = [name for name in parts(opened) if not torch.equal(expert.written(name), before.written(name))]
    assert changed == ["L2.E1"]
    assert torch.equal(expert.routing(2), before.routing(2))
    router = ls.run(opened, tokens, [ls.cut("embed", "L2.router")])
    assert not torch.equal(router.routing(2), before.routing(2))
    if kind.experts != "alone":
        assert torch.equal(router.written("L2.shared"), before.written("L2.shared"))
    wires = [(Writer("embed"), parse_reader(name)) for name in ("L2.E1", "L2.router")]
    trace = ls.run(opened, tokens, record=True)
    for effect, run, name in zip(cut_each(trace, wires), (expert, router), ("L2.E1", ""), strict=True):
        stores = (
            [run.written(name), before.written(name)]
            if name
            else [run.record.layers[2].mlp, before.record.layers[2].mlp]
        )
        change = (stores[0] - stores[1])[:, 1:].norm() / stores[1][:, 1:].norm()
        np.testing.assert_allclose(effect.change, float(change))


@every_kind
def test_attributions_of_parts_sum_to_those_of_the_mlp(kind: Kind) -> None:
    found = [attribute_pairs(some_pairs(model), "drawn", points=3) for model in both(kind)]
    signed = [
        {(str(w), str(r)): v for w, r, v in zip(t.writer.values, t.reader.values, t.signed.values, strict=True)}
        for t in found
    ]
    readers = inside(both(kind)[1])
    for (writer, reader), value in signed[0].items():
        ends = [
            (w, r)
            for w in ([writer] if writer != "L2.mlp" else parts(both(kind)[1]))
            for r in (readers if reader == "L2.mlp" else [reader])
        ]
        np.testing.assert_allclose(sum(signed[1][end] for end in ends), value, rtol=1e-7, atol=1e-12)


@every_kind
def test_a_circuit_with_all_parts_of_its_mlps_stores_what_one_with_the_mlps_stores(kind: Kind) -> None:
    whole, opened = both(kind)
    generator, logits = torch.Generator().manual_seed(0), []
    mask = torch.rand(live(whole).exists.shape, generator=generator) < 0.6
    rows, columns = live(whole).place_of_writer, live(whole).place_of_reader
    same = torch.zeros_like(live(opened).exists)
    for row, writer in enumerate(live(opened).writers):
        for column, reader in enumerate(live(opened).readers):
            source = Writer("mlp", writer.layer) if writer.is_part else writer
            target = Reader(reader.layer, -1, "mlp") if reader.is_part else reader
            same[row, column] = mask[rows[source], columns[target]]
    for model, chosen in ((whole, mask), (opened, same)):
        (context,) = contexts(some_pairs(model), "counterfactual", "free")
        logits.append(context.logits(chosen))
    close(*logits)


def test_layers_without_experts_and_analyses_of_whole_mlps_are_refused() -> None:
    model, opened = both(GROUPED)
    refusal(lambda: model.with_experts(1), NoSuchSite, "no experts in layer 1", "none in 1 layer")
    refusal(lambda: model.with_experts([0, 3]), NoSuchSite, "no layer 3")
    with unchecked():
        refusal(lambda: model.with_experts(["L2"]), BadRequest, "expected a layer")  # type: ignore[list-item]
    refusal(lambda: wiring(model).reader("L2.router"), NoSuchSite, "no reader L2.router", "with_experts(2)")
    refusal(lambda: wiring(opened).writer("L2.mlp"), NoSuchSite, "no writer L2.mlp")
    tokens = some_tokens(opened)[0]
    trace = ls.run(opened, tokens)
    space = ls.policies.Subspace(torch.eye(12, dtype=torch.float64)[:1], "drawn")
    policy = ls.policies.Policy({"x": space}, load={"x": "*"})
    denials = ls.policies.policy_edits(model, ls.policies.Policy({"x": space}, load={"x": ["!L1.H0.K"]}))
    for action in (
        lambda: ls.listing(trace, predict=1),
        lambda: ls.memory_map(opened, tokens),
        lambda: ls.lifetimes(opened, tokens),
        lambda: ls.reach(opened, tokens),
        lambda: ls.enforce(opened, policy),
        lambda: ls.run(opened, tokens, denials),
    ):
        refusal(action, Undefined, "for MLPs as a whole", "with_experts([])")
    after = tiny(Kind("rotary", "rms", False, "gated", kv=2, after=True, experts="alone"))
    refusal(lambda: after.with_experts(0), Undefined, "share the scale of the norm after them")


def test_a_router_is_addressed_by_the_writers_of_its_scores() -> None:
    model, _ = both(GROUPED)
    trace = ls.run(model, some_tokens(model)[0])
    found = ls.parts.router_address(trace, 2, at=5)
    scores = trace.record.layers[2].router[0, 5]
    best = int(trace.routing(2)[5].argmax())
    assert found.expert == best
    assert abs(sum(found.shares.values()) - 1) < 1e-12
    assert abs(found.contrast - float(scores[best] - scores.mean())) < 1e-12
    assert abs(found.remainder) < 1e-9
    two = ls.parts.router_address(trace, 2, at=5, expert=1, than=3)
    assert abs(two.contrast - float(scores[1] - scores[3])) < 1e-12
    parts_of_router = reader_parts(ls.run(both(GROUPED)[1], some_tokens(model)[0]), "L2.router")
    for writer, share in two.shares.items():
        row = parts_of_router[writer][0, 5]
        assert abs(share - float(row[1] - row[3]) / two.contrast) < 1e-9
    refusal(lambda: ls.parts.router_address(trace, 1, at=5), NoSuchSite, "no experts in layer 1")
    refusal(lambda: ls.parts.router_address(trace, 2, at=5, expert=4), BadRequest, "has experts 0 to 3")
    refusal(lambda: ls.parts.router_address(trace, 2, at=5, expert=1, than=1), BadRequest, "compared with itself")
