"""Traffic from the moments of a corpus: exact by brute force, factorised exact when the two sides are independent."""

import itertools
import math

import numpy as np
import pytest
import torch
from dense import loaded_by_units
from depth import deep
from each import each
from tiny import FEW, HALF, OTHER_HALF, Kind, few_with, some_tokens, tiny, turning, uncapped
from torch import Tensor

import loadstore as ls
from loadstore.corpora.corpus import Corpus
from loadstore.model.ports import writing
from loadstore.model.wiring import wiring
from loadstore.sites import Writer
from loadstore.wire_traffic.blocks import Memory
from loadstore.wire_traffic.loads import loads_of, points_of
from loadstore.wire_traffic.moments import Moments, moments
from loadstore.wire_traffic.traffic import traffic

WITHIN = Kind("rotary", "rms", False, "gated", kv=2, qk_norm=True)  # Qwen 3: what a side meets has a scale of its own
OF_BOTH_SIDES = [("Q", WITHIN), ("K", WITHIN), *((side, kind) for kind, side in few_with("QK", of=HALF))]
SOME = ["L0.H2.Q", "L1.H0.Q", "L1.H1.K", "L2.H2.Q", "L2.H1.K", "L2.H0.V", "unembed"]


def corpus(model: ls.Weights, *lengths: int) -> Corpus:
    """Random documents of given lengths, one piece each."""
    return Corpus("random", tuple((some_tokens(model, 1, n, seed=n + i)[0],) for i, n in enumerate(lengths)))


def measured(model: ls.Weights, *lengths: int) -> Moments:
    return moments(model, corpus(model, *lengths))


def passing(q: Tensor, k: Tensor, model: ls.Weights) -> Tensor | float:
    """How much of a small change of a score passes its soft cap: 1 / cosh²(s / c)."""
    cap = model.architecture.score_cap
    return 1.0 if cap is None else 1 / (q @ k.mT * model.architecture.attention_scale / cap).cosh().square()


@each("kind", FEW, str)
def test_exact_traffic_is_what_cuts_do(kind: Kind):
    model = tiny(kind)
    kept = measured(model, 9)
    readers = [wiring(model).reader(name) for name in SOME]
    table = traffic(model, kept, readers=SOME, exact=True).traffic.to_pandas()
    tokens = kept.tokens[None]
    intact = ls.run(model, tokens, record=True)
    scale = model.architecture.attention_scale
    pairs = itertools.product(wiring(model).writers, readers)
    for writer, reader in itertools.islice(pairs, 0, None, deep(3, usual=5)):  # seven readers: each meets other writers
        value = float(table.at[str(writer), str(reader)])
        if not wiring(model).connects(writer, reader):
            assert math.isnan(value)
            continue
        after = ls.run(model, tokens, [ls.cut(writer, reader)], record=True)
        if reader.is_unembed:
            change = (uncapped(model, intact.logits) - uncapped(model, after.logits))[0, 1:]
            expected = (change - change.mean(-1, keepdim=True)).square().sum(-1).mean()
        else:
            was, now, h = intact.record.layers[reader.layer], after.record.layers[reader.layer], reader.index
            if reader.side == "V":
                W_O = writing(model, Writer("head", reader.layer, h)).out
                expected = ((was.v - now.v)[0, 1:, h] @ W_O).square().sum(-1).mean()
            else:
                change = (was.q[0, :, h] @ was.k[0, :, h].mT - now.q[0, :, h] @ now.k[0, :, h].mT) * scale
                change = change * passing(was.q[0, :, h], was.k[0, :, h], model)
                row = was.pattern[0, h]
                each_query = (row * change.square()).sum(-1) - (row * change).sum(-1).square()
                each_query[0] *= reader.side == "K"  # on Q the first query is left out; it has one key, or a sink
                expected = each_query.mean()
        assert value == pytest.approx(math.sqrt(max(0.0, float(expected))), rel=1e-8, abs=1e-7)


@each("kind", [kind for kind in OTHER_HALF if kind.mlp], str)
def test_an_mlp_is_the_size_of_what_its_inside_gets(kind: Kind):
    model = tiny(kind)
    kept = measured(model, 9, 7)
    found = traffic(model, kept, readers="L2.mlp").traffic
    layer = model.layers[2].mlp
    assert layer is not None
    W = loaded_by_units(layer)
    for writer in wiring(model).writers_of(wiring(model).reader("L2.mlp")):
        if writer.kind == "bias":
            continue
        covariance = kept.covariance(writer, "L2.mlp")
        gain = layer.norm.gain if layer.norm is not None and layer.norm.gain is not None else torch.ones(12)
        expected = torch.trace(W.mT @ (gain[:, None] * covariance * gain) @ W)
        assert float(found.sel(writer=str(writer), reader="L2.mlp")) == pytest.approx(math.sqrt(float(expected)))


@each(("side", "kind"), OF_BOTH_SIDES, str)
def test_factorised_is_exact_when_writer_and_other_side_are_independent(kind: Kind, side: str):
    """Averaged over all shifts of the writer's part among later positions, on K over its signs too."""
    model = tiny(kind)
    T = 6
    kept = measured(model, T)
    reader = wiring(model).reader(f"L2.H1.{side}")
    trace = ls.run(model, kept.tokens[None], record=True)
    layer = trace.record.layers[2]
    q, k, A = (t[0, :, 1] for t in (layer.q, layer.k, layer.pattern.transpose(1, 2)))
    own = layer.q_scale if side == "Q" else layer.k_scale
    s = torch.ones(T, 1) if own is None else own[0, :, 1]  # by columns, through a latent
    found = traffic(model, kept, readers=str(reader)).traffic
    ((point, readers),) = points_of(model, [reader]).items()
    (loads,) = loads_of(kept, point, readers)
    for block in Memory(kept).blocks(point):
        B = loads.behind if block.bank.bypasses_norm else loads.B
        assert B is not None
        for index, writer in enumerate(block.bank.writers):
            rows = block.bank.sent(block.rows)[:, index]
            y = rows @ B[0]
            expected = _independent(y, q, k, A, s, side, model)
            assert float(found.sel(writer=str(writer), reader=str(reader))) == pytest.approx(
                math.sqrt(expected), rel=1e-9
            )


def _independent(y: Tensor, q: Tensor, k: Tensor, A: Tensor, s: Tensor, side: str, model: ls.Weights) -> float:
    T = len(y)
    flips = list(itertools.product((1.0, -1.0), repeat=T - 1)) if side == "K" else [(1.0,) * (T - 1)]
    signs = torch.tensor([(1.0, *some) for some in flips], dtype=y.dtype)
    turns = torch.stack([turning(model.architecture.rotary_of(2), t) for t in range(T)])
    shifted = torch.stack([torch.cat([y[:1], y[1:].roll(shift, 0)]) for shift in range(T - 1)])
    moved = shifted[:, None] * signs[:, :, None] * s
    turned = (moved[..., None, :] @ turns)[..., 0, :]
    change = (turned @ k.mT if side == "Q" else q @ turned.mT) * model.architecture.attention_scale
    change = change * passing(q, k, model)
    each_query = (A * change.square()).sum(-1) - (A * change).sum(-1).square()
    each_query[..., 0] *= side == "K"
    return float(each_query.mean())


@each(("exact", "kind"), [(exact, kind) for kind, exact in few_with([False, True], of=OTHER_HALF)], str)
def test_shares_sum_to_one(kind: Kind, exact: bool):
    model = tiny(kind)
    table = traffic(model, measured(model, 9, 6, 10), exact=exact)
    sums = table.share.sum("writer")
    assert np.allclose(sums, 1, atol=1e-10)
