"""What an ablation and a cut replace, against the same change made by hand."""

from dataclasses import replace
from functools import cache
from itertools import product

import pytest
import torch
from each import each
from pairs import pairs
from tiny import FEW, OTHER_HALF, WITH_POS, Kind, of_head, some_tokens, tiny, turning, uncapped
from torch import Tensor

from loadstore.errors import NoSuchSite, NoSuchWire
from loadstore.execution.edits import ablate, cut
from loadstore.execution.run import run
from loadstore.execution.trace import Trace
from loadstore.model.mlp import mlp_sum
from loadstore.model.norms import normalise, through_norm
from loadstore.model.wiring import wiring
from loadstore.sites import SIDES, Reader

BY = ("zero", "mean")
WITH_MLP = [kind for kind in FEW if kind.mlp]


def mean_after_first(store: Tensor) -> Tensor:
    """Mean over prompts and tokens, the first position left out."""
    return store[:, 1:].reshape(-1, store.shape[-1]).mean(0)


@cache
def trace_of(kind: Kind) -> Trace:
    model = tiny(kind)
    return run(model, some_tokens(model, batch=3), record=True)


@pytest.fixture(params=OTHER_HALF, ids=str)
def intact(request: pytest.FixtureRequest) -> Trace:
    return trace_of(request.param)


@pytest.fixture(params=WITH_MLP, ids=str)
def with_mlp(request: pytest.FixtureRequest) -> Trace:
    return trace_of(request.param)


def test_mean_ablation_stores_the_mean_over_all_tokens_but_the_first(intact: Trace) -> None:
    for writer in ("embed", "L0.H1", "L1.H2"):
        store = intact.written(writer)
        ablated = run(intact.weights, intact.tokens, [ablate(writer)]).written(writer)
        assert (ablated - mean_after_first(store)).abs().max() < 1e-10, writer
        assert (store.mean((0, 1)) - mean_after_first(store)).abs().max() > 1e-3, writer


@each("kind", WITH_POS, str)
def test_mean_ablated_positions_leave_out_the_first_too(kind: Kind) -> None:
    intact = trace_of(kind)
    ablated = run(intact.weights, intact.tokens, [ablate("pos")]).written("pos")
    assert (ablated - intact.weights.W_pos[1:9].mean(0)).abs().max() < 1e-10


def test_zero_ablating_a_head_is_a_model_without_its_w_o_and_without_its_store(intact: Trace) -> None:
    model = intact.weights
    silent = model.layers[0].W_O.clone()
    silent[1] = 0
    without = replace(model, layers=(replace(model.layers[0], W_O=silent), *model.layers[1:]))
    edited = run(model, intact.tokens, [ablate("L0.H1", by="zero")])
    if model.layers[0].after_heads is None:
        assert (edited.logits - run(without, intact.tokens).logits).abs().max() < 1e-10
    else:  # the norm behind them is that of all that heads mixed, so that no other head stores anything else
        assert torch.equal(edited.written("L0.H0"), intact.written("L0.H0"))
    assert edited.written("L0.H1").abs().max() == 0


def removed_by_hand(intact: Trace, writer: str, reader: Reader, by: str) -> Tensor:
    """What a cut takes from q, k or v; what it takes from q and k is turned as they are."""
    store = intact.written(writer)
    loss = store if by == "zero" else store - mean_after_first(store)
    layer = intact.weights.layers[reader.layer]
    if writer != "pos" or intact.weights.architecture.positions == "learned":
        loss = through_norm(loss, layer.norm, intact.record.layers[reader.layer].inverse_scale)
    shape, record = intact.weights.architecture, intact.record.layers[reader.layer]
    index = reader.index if reader.side == "Q" else reader.index // (shape.n_heads // shape.kv_heads)
    taken = loss @ {"Q": layer.W_Q, "K": layer.W_K, "V": layer.W_V}[reader.side][index]
    inner, scale = {"Q": (layer.q_norm, record.q_scale), "K": (layer.k_norm, record.k_scale), "V": (None, None)}[
        reader.side
    ]
    size = {"Q": record.q_scale, "K": record.k_scale, "V": record.v_scale}[reader.side]
    taken = taken if layer.latent(reader.side) is None else taken * size[:, :, reader.index]
    taken = taken if inner is None else taken * scale[:, :, reader.index] * of_head(inner, index).gain
    turns = intact.weights.architecture.rotary_of(reader.layer) if reader.side in ("Q", "K") else None
    return torch.stack([taken[:, at] @ turning(turns, at, taken.shape[-1]) for at in range(taken.shape[1])], 1)


CUTS = [
    (kind, writer, by)
    for kind in FEW
    for writer in (("embed", "pos", "L0.H1") if kind in WITH_POS else ("embed", "L0.H1"))
    for by in BY
]


@each(("kind", "writer", "by"), pairs(CUTS), str)
def test_a_cut_takes_the_store_less_its_mean_from_one_side_of_one_head(kind: Kind, writer: str, by: str) -> None:
    intact = trace_of(kind)
    network = wiring(intact.weights)
    for side in SIDES:
        reader = Reader(1, 2, side)
        if not network.connects(network.writer(writer), reader):
            continue
        edited = run(intact.weights, intact.tokens, [cut(writer, reader, by=by)])
        for other in SIDES:
            for head in range(3):
                before, after = (getattr(t.record.layers[1], other.lower())[:, :, head] for t in (intact, edited))
                expected = removed_by_hand(intact, writer, reader, by) if (other, head) == (side, 2) else 0.0
                assert (before - after - expected).abs().max() < 1e-10
        assert (edited.residual(1) - intact.residual(1)).abs().max() == 0
        assert (edited.logits - intact.logits).abs().max() > 1e-6


def test_ablating_an_mlp_is_a_model_whose_mlp_stores_nothing(with_mlp: Trace) -> None:
    model, mlp = with_mlp.weights, with_mlp.weights.layers[1].mlp
    silent = mlp.storing(0.0)
    without = replace(model, layers=(model.layers[0], replace(model.layers[1], mlp=silent), model.layers[2]))
    edited = run(model, with_mlp.tokens, [ablate("L1.mlp", by="zero")])
    assert (edited.logits - run(without, with_mlp.tokens).logits).abs().max() < 1e-10
    assert edited.written("L1.mlp").abs().max() == 0
    mean = run(model, with_mlp.tokens, [ablate("L1.mlp")]).written("L1.mlp")
    assert (mean - mean_after_first(with_mlp.written("L1.mlp"))).abs().max() < 1e-10


FROM_MLPS = pairs(product(WITH_MLP, ["embed", "L0.H2", "L0.mlp", "L1.H1"], BY))


@each(("kind", "writer", "by"), FROM_MLPS, str)
def test_a_cut_from_an_mlp_changes_what_it_reads_and_nothing_before_it(kind: Kind, writer: str, by: str) -> None:
    with_mlp = trace_of(kind)
    model, layer = with_mlp.weights, with_mlp.weights.layers[1]
    if not wiring(model).connects(wiring(model).writer(writer), Reader(1, -1, "mlp")):
        with pytest.raises(NoSuchWire, match="stores after"):
            run(model, with_mlp.tokens, [cut(writer, "L1.mlp", by=by)])
        return
    store = with_mlp.written(writer)
    loss = store if by == "zero" else store - mean_after_first(store)
    heads = [with_mlp.written(w) for w in wiring(model).writers if w.layer == 1 and w.kind in ("head", "bias")]
    read = with_mlp.residual(1) + (0 if model.architecture.mlp.parallel else torch.stack(heads).sum(0))
    x, scale = normalise(read, layer.mlp.norm, model.architecture.eps)
    x = x - through_norm(loss, layer.mlp.norm, scale)
    inside = x @ layer.mlp.W_in + (0 if layer.mlp.b_in is None else layer.mlp.b_in)
    if layer.mlp.W_gate is None:
        inside = torch.nn.functional.gelu(inside)
    else:
        gate = x @ layer.mlp.W_gate + (0 if layer.mlp.b_gate is None else layer.mlp.b_gate)
        facts = model.architecture.mlp
        if facts.clip is not None:
            gate, inside = gate.clamp(max=facts.clip), inside.clamp(-facts.clip, facts.clip) + 1
        inside = gate * (facts.slope * gate).sigmoid() * inside
    expected = inside @ layer.mlp.W_out + (0 if layer.mlp.b_out is None else layer.mlp.b_out)
    if layer.mlp.experts is not None:
        expected = mlp_sum(x, layer.mlp, model.architecture)
    expected = normalise(expected, layer.mlp.after, model.architecture.eps)[0] * model.architecture.residual_scale
    edited = run(model, with_mlp.tokens, [cut(writer, "L1.mlp", by=by)])
    assert (edited.written("L1.mlp") - expected).abs().max() < 1e-10
    assert (edited.residual(2) - with_mlp.residual(2) - expected + with_mlp.written("L1.mlp")).abs().max() < 1e-10
    assert (expected - with_mlp.written("L1.mlp")).abs().max() > 1e-6


def test_cutting_a_writer_from_the_unembedding_removes_its_part_of_the_logits(intact: Trace) -> None:
    model, store = intact.weights, intact.written("L1.H0")
    for by, loss in (("zero", store), ("mean", store - mean_after_first(store))):
        part = through_norm(loss, model.final_norm, intact.record.final_inverse_scale) @ model.W_U
        edited = run(model, intact.tokens, [cut("L1.H0", "unembed", by=by)])
        before, after = (uncapped(model, trace.logits) for trace in (intact, edited))
        assert (before - after - part).abs().max() < 1e-10, by


def test_cutting_every_reader_of_a_head_without_norms_is_ablating_it() -> None:
    model = tiny(Kind("learned", "none", True))
    tokens = some_tokens(model, batch=3)
    readers = [r for r in wiring(model).readers if r.is_unembed or r.layer > 0]
    everywhere = run(model, tokens, [cut("L0.H1", reader) for reader in readers])
    assert (everywhere.logits - run(model, tokens, [ablate("L0.H1")]).logits).abs().max() < 1e-10


def test_edits_of_sites_and_wires_that_do_not_exist_are_refused() -> None:
    model = tiny(Kind("shortformer", "none", False))
    tokens = torch.tensor([1, 2, 3])
    with pytest.raises(NoSuchSite, match=r"L9\.H0"):
        run(model, tokens, [ablate("L9.H0")])
    with pytest.raises(NoSuchWire, match="Q and K only"):
        run(model, tokens, [cut("pos", "L1.H0.V")])
    with pytest.raises(NoSuchWire, match="stores after"):
        run(model, tokens, [cut("L1.H0", "L1.H1.K")])
