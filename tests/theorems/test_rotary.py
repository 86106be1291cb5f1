"""Rotary positions by brute force: every average over offsets formed densely, offset by offset."""

import math
from dataclasses import replace
from itertools import product

import pytest
import torch
from dense import writes
from each import each
from tiny import FEW, KINDS, ROTARY, Kind, of_head, sized, some_tokens, tiny, turning
from torch import Tensor

from loadstore.errors import BadRequest, Undefined
from loadstore.execution.forward import forward
from loadstore.execution.run import run
from loadstore.model.ports import fold, qk, reading
from loadstore.model.ports.offsets import averaged
from loadstore.model.rotary import Rotary
from loadstore.model.weights import Weights
from loadstore.model.wiring import wiring
from loadstore.scores.scores import subspace_scores
from loadstore.sites import Head, Reader, parse_reader

TURNS = {
    "full, halves": Rotary.of(4, base=7.0),
    "full, adjacent": Rotary.of(4, base=7.0, pairs="adjacent"),
    "partial, halves": Rotary.of(2),
    "equal speeds": Rotary((0.3, 0.3)),
    "a speed of nothing": Rotary((1.0, 0.0), "adjacent"),
    "half a turn a token": Rotary((math.pi, 1.0)),
    "a whole turn a token": Rotary((2 * math.pi, 1.0)),
}
FEW_ROTARY = [kind for kind in FEW if kind.rotary]
WINDOWS = [range(1), range(5, 6), range(7), range(300)]


def random_sides(seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    near, far = (torch.randn(12, 4, generator=generator, dtype=torch.float64) for _ in range(2))
    return near, far


def at_offset(near: Tensor, far: Tensor, rotary: Rotary, offset: int, *, key_side: bool) -> Tensor:
    """B_Δ = W_Q R_Δ W_Kᵀ, or its transpose for the side of the keys."""
    return near @ turning(rotary, -offset if key_side else offset) @ far.mT


def mean_gram(matrices: list[Tensor]) -> Tensor:
    return torch.stack([B @ B.mT for B in matrices]).mean(0)


@each("rotary", TURNS.values())
def test_a_query_and_a_key_meet_at_their_offset_and_nowhere_else(rotary: Rotary) -> None:
    q, k = random_sides()
    apart = ((9, 4), (5, 0))
    turned = [(rotary.at(q[None, :1, None], m)[0, 0], rotary.at(k[None, :1, None], n)[0, 0]) for m, n in apart]
    one, other = (q_m @ k_n.mT for q_m, k_n in turned)
    assert float((one - other).abs().max()) < 1e-12
    assert float((one - q[:1] @ turning(rotary, 5) @ k[:1].mT).abs().max()) < 1e-12


@each(("name", "offsets"), list(product(TURNS, WINDOWS)), str)
def test_what_an_averaged_reader_reads_is_the_mean_of_what_it_reads(name: str, offsets: range) -> None:
    near, far = random_sides()
    for side, key_side in (("Q", False), ("K", True)):
        dense = mean_gram([at_offset(near, far, TURNS[name], offset, key_side=key_side) for offset in offsets])
        B = averaged(TURNS[name], near, far, offsets, key_side=key_side).dense()
        assert float((B @ B.mT - dense).abs().max()) < 1e-10 * float(dense.abs().max()), side


def test_the_side_of_the_keys_turns_the_other_way() -> None:
    near, far = random_sides()
    rotary, offset = TURNS["full, halves"], range(3, 4)
    sides = [averaged(rotary, near, far, offset, key_side=key_side).dense() for key_side in (False, True)]
    assert float((sides[0] @ sides[0].mT - sides[1] @ sides[1].mT).abs().max()) > 0.1


def test_an_empty_window_or_one_with_steps_is_refused() -> None:
    for offsets in (range(0), range(0, 9, 2)):
        with pytest.raises(BadRequest, match="one or more, without steps"):
            averaged(TURNS["full, halves"], *random_sides(), offsets, key_side=False)


def dense_score(model: Weights, reader: Reader, offsets: range) -> float:
    """embed → a side of Q or K: numerator and denominator are averaged, then divided."""
    layer, rotary = model.layers[reader.layer], model.architecture.rotary_of(reader.layer)
    assert rotary is not None
    shared = model.architecture.n_heads // len(layer.W_K)
    W_Q, W_K = fold(layer.W_Q[reader.index], layer.norm), fold(layer.W_K[reader.index // shared], layer.norm)
    W_Q = W_Q if layer.q_norm is None else W_Q * of_head(layer.q_norm, reader.index).gain
    W_K = W_K if layer.k_norm is None else W_K * of_head(layer.k_norm, reader.index // shared).gain
    W_Q, W_K = W_Q * sized(model, reader.layer, "Q"), W_K * sized(model, reader.layer, "K")
    near, far = (W_Q, W_K) if reader.side == "Q" else (W_K, W_Q)
    several = [at_offset(near, far, rotary, offset, key_side=reader.side == "K") for offset in offsets]
    centred = layer.norm is not None and layer.norm.centres
    A = model.W_E - model.W_E.mean(1, keepdim=True) if centred else model.W_E
    above = torch.stack([(A @ B).square().sum() for B in several]).mean()
    below = torch.stack([A.square().sum() * B.square().sum() for B in several]).mean()
    return float((above / below).sqrt())


@each(("kind", "side"), list(product(FEW_ROTARY, "QK")), str)
def test_scores_average_the_numerator_and_the_denominator(kind: Kind, side: str) -> None:
    model = tiny(kind)
    reader = Reader(1, 2, side)
    wire = {"writers": "embed", "readers": str(reader)}
    whole = subspace_scores(model, **wire)
    assert whole.score.item() == pytest.approx(dense_score(model, reader, range(10)), rel=1e-9)  # layer 1 sees all
    assert ("offsets 0 to 2 or 3 or 9" if kind.window else "offsets 0 to 9") in whole.definition
    if kind.window:  # layer 0 sees 3 keys
        near = subspace_scores(model, writers="embed", readers=f"L0.H2.{side}").score.item()
        assert near == pytest.approx(dense_score(model, Reader(0, 2, side), range(3)), rel=1e-9)
    for offset in (0, 3, 9):
        one = subspace_scores(model, **wire, offset=offset)
        assert one.score.item() == pytest.approx(dense_score(model, reader, range(offset, offset + 1)), rel=1e-9)
        assert f"offset {offset} = query - key" in one.definition


def test_an_offset_beyond_a_window_is_undefined_where_nobody_meets_it() -> None:
    model = tiny(next(kind for kind in ROTARY if kind.window))  # windows of 3, all and 4
    found = subspace_scores(model, offset=3)
    defined = found.score.notnull().any("writer")
    assert [str(name) for name in found["reader"].values[~defined.values]] == [
        f"L0.H{head}.{side}" for head in range(3) for side in "QK"
    ]
    assert "undefined in layers whose window ends before it" in found.definition
    assert "undefined" not in subspace_scores(model, offset=2).definition


@each("kind", FEW_ROTARY, str)
def test_at_no_offset_nothing_is_turned_and_v_and_the_unembedding_have_none(kind: Kind) -> None:
    model = tiny(kind)
    without = replace(model.architecture, positions="none", rotary=None, local_rotary=None, unturned=())
    plain = subspace_scores(replace(model, architecture=without))
    still, average = subspace_scores(model, offset=0), subspace_scores(model)
    assert float(abs(plain.score - still.score).max()) < 1e-10
    others = [name for name in plain.reader.values if not name.endswith((".Q", ".K"))]
    assert float(abs((plain.score - average.score).sel(reader=others)).max()) < 1e-12
    assert float(abs(plain.score - average.score).max()) > 1e-3


@each("kind", [kind for kind in ROTARY if not kind.latent], str)  # whose sizes weights do not know
def test_w_qk_at_an_offset_gives_the_scores_of_tokens_so_far_apart(kind: Kind) -> None:
    model = tiny(kind._replace(biases=False))
    trace = run(model, some_tokens(model, batch=1)[0])
    record = trace.record.layers[0]
    x = trace.residual(0) * record.inverse_scale[0]
    for query, key in ((8, 8), (8, 3), (5, 0)):
        W_QK = qk(model, Head(0, 1), offset=query - key).dense()
        found = x[query] @ W_QK @ x[key] * model.architecture.attention_scale
        if kind.qk_norm:  # their gains are in W_QK, their scales are the tokens' own
            found = found * record.q_scale[0, query, 1] * record.k_scale[0, key, 1]
        assert float(found) == pytest.approx(float(trace.scores("L0.H1")[query, key]), abs=1e-10)
    with pytest.raises(Undefined, match="offset="):
        qk(model, Head(0, 1))


@each("kind", FEW_ROTARY, str)
def test_tokens_that_all_move_together_have_the_same_logits(kind: Kind) -> None:
    model = tiny(kind)
    tokens = some_tokens(model, length=6)
    here = forward(model, tokens)
    for offset in (1, 4, 1000):
        assert float((forward(model, tokens, offset=offset) - here).abs().max()) < 1e-9


def test_and_learned_positions_do_not() -> None:
    model = tiny(Kind("learned", "none", biases=False))
    tokens = some_tokens(model, length=6)
    assert float((forward(model, tokens, offset=2) - forward(model, tokens)).abs().max()) > 1e-2


@pytest.mark.parametrize("positions", ["learned", "shortformer", "none"])
def test_scores_that_no_offset_enters_have_none(positions: str) -> None:
    with pytest.raises(BadRequest, match="no rotary positions"):
        subspace_scores(tiny(Kind(positions, "none", biases=False)), offset=0)


@pytest.mark.parametrize("offset", [-1, 10])
def test_an_offset_beyond_the_context_is_refused(offset: int) -> None:
    with pytest.raises(BadRequest, match="0 to 9"):
        subspace_scores(tiny(next(iter(ROTARY))), offset=offset)


def test_a_window_that_never_ends_is_not_the_window_of_a_model() -> None:
    # Slow pairs have not turned once in a context: the limit of ever more offsets would forget what they still tell.
    near, far = random_sides()
    rotary = Rotary((1.0, 1e-4))
    readers = [averaged(rotary, near, far, range(tokens), key_side=False).dense() for tokens in (300, 10_000_000)]
    window, limit = (B @ B.mT for B in readers)
    assert float((window - limit).abs().max()) > 0.05 * float(window.abs().max())


def test_a_reader_of_a_model_is_averaged_over_its_whole_context_unless_told() -> None:
    model = tiny(next(iter(ROTARY)))
    reader = Reader(1, 0, "K")
    default, whole, one = (
        reading(model, reader).map(offsets=offsets).dense() for offsets in (None, range(10), range(2, 3))
    )
    assert float((default @ default.mT - whole @ whole.mT).abs().max()) == 0
    assert float((default @ default.mT - one @ one.mT).abs().max()) > 1e-3


@each("offsets", [range(0, 3), range(2, 7), range(3, 10)], str)
def test_a_range_of_offsets_is_the_mean_over_those_that_the_window_has(offsets: range) -> None:
    kind = next(kind for kind in KINDS if kind.positions == "rotary" and kind.window)
    model = tiny(kind)
    whole = subspace_scores(model, offset=offsets)
    for reader in ("L0.H0.Q", "L1.H1.K"):
        reach = model.architecture.reach(int(reader[1]))
        met = [reading(model, parse_reader(reader)).map(offsets=range(o, o + 1)) for o in offsets if o < reach]
        column = whole.score.sel(reader=reader)
        if not met:
            assert bool(column.isnull().all())
            continue
        read = torch.stack([one.dense() @ one.dense().mT for one in met]).mean(0)
        for writer in wiring(model).writers_of(parse_reader(reader)):
            A = writes(model, writer)
            expected = torch.trace(A.mT @ A @ read) / (A.square().sum() * torch.trace(read))
            assert float(column.sel(writer=str(writer))) == pytest.approx(float(expected.sqrt()), rel=1e-9)


@each("offset", [-1, 10, range(3, 3), range(0, 11), range(0, 4, 2)])
def test_offsets_that_are_none_are_refused(offset: int | range) -> None:
    with pytest.raises(BadRequest, match="offset="):
        subspace_scores(tiny(next(iter(ROTARY))), offset=offset)
