"""Vocabulary circuits against dense products, on the planted circuit, and in bounded tiles."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from each import each
from planted import BOS, VOCAB, planted, with_transposed_ov
from tiny import FEW, KINDS, MODERN, Kind, after, of_head, sized, stored_rows, tiny
from torch import Tensor

from loadstore.errors import BadRequest, NoSuchSite, NoSuchWire, Undefined
from loadstore.linear.factored import Factored
from loadstore.model.layers import Norm
from loadstore.model.rotary import Rotary
from loadstore.model.weights import Weights
from loadstore.scores import streaming
from loadstore.scores.moved import matched, moved
from loadstore.scores.vocabulary import copying, full_ov, full_qk, k_composition, key_composition

ROTARY = [kind for kind in KINDS if kind.positions == "rotary"]
SMALL_TILES = (4, 5)  # neither divides the vocabulary of 17


@pytest.fixture
def small_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "ROWS", SMALL_TILES[0])
    monkeypatch.setattr(streaming, "COLUMNS", SMALL_TILES[1])


def folded(matrix: Tensor, norm: Norm | None) -> Tensor:
    """N W by its definition, as dense matrices."""
    if norm is None:
        return matrix
    d = len(matrix)
    centring = torch.eye(d).double() - (torch.ones(d, d).double() / d if norm.centres else 0)
    gain = torch.ones(d).double() if norm.gain is None else norm.gain
    return centring @ gain.diag() @ matrix


def kv(model: Weights, head: int) -> int:
    """Which keys and values a head reads."""
    return head * model.architecture.kv_heads // model.architecture.n_heads


def gained(matrix: Tensor, norm: Norm | None) -> Tensor:
    """W_Q or W_K with the gain of the norm behind it."""
    return matrix if norm is None else matrix * norm.gain


def dense_ov(model: Weights, layer: int, head: int) -> Tensor:
    at = model.layers[layer]
    move = folded(at.W_V[kv(model, head)], at.norm) * sized(model, layer, "V") @ at.W_O[head] * after(model, layer)
    return stored_rows(model) @ move @ folded(model.W_U - model.W_U.mean(1, keepdim=True), model.final_norm)


def turn(rotary: Rotary | None, offset: int, d_head: int) -> Tensor:
    """R_Δ by its rows, from what it does to unit vectors: the rotation by ``offset`` positions."""
    rows = torch.eye(d_head).double()
    return rows if rotary is None else rotary.turn(rows, rotary.angles(1, offset))


def dense_qk(model: Weights, layer: int, head: int, key: Tensor, offset: int | None) -> Tensor:
    at = model.layers[layer]
    rotation = turn(model.architecture.rotary_of(layer), offset or 0, model.architecture.d_head)
    W_Q = gained(folded(at.W_Q[head], at.norm), of_head(at.q_norm, head)) * sized(model, layer, "Q")
    W_K = gained(folded(at.W_K[kv(model, head)], at.norm), of_head(at.k_norm, kv(model, head)))
    W_K = W_K * sized(model, layer, "K")
    return stored_rows(model) @ W_Q @ rotation @ W_K.mT @ key.mT


def offset_of(kind: Kind) -> int | None:
    return 3 if kind.positions == "rotary" else None


@each("kind", FEW, str)
def test_the_circuits_are_the_dense_products(kind: Kind) -> None:
    model, offset = tiny(kind), offset_of(kind)
    torch.testing.assert_close(full_ov(model, "L1.H2").dense(), dense_ov(model, 1, 2))
    torch.testing.assert_close(
        full_qk(model, "L1.H2", offset=offset).dense(), dense_qk(model, 1, 2, stored_rows(model), offset)
    )
    first = model.layers[0]
    value = folded(first.W_V[kv(model, 1)], first.norm) * sized(model, 0, "V")
    moved_key = stored_rows(model) @ value @ first.W_O[1] * after(model, 0)
    torch.testing.assert_close(
        k_composition(model, "L1.H2", "L0.H1", offset=offset).dense(), dense_qk(model, 1, 2, moved_key, offset)
    )


@pytest.mark.usefixtures("small_tiles")
@pytest.mark.parametrize("kind", FEW, ids=str)
def test_copying_is_the_diagonal_of_the_summed_dense_circuit(kind: Kind) -> None:
    model = tiny(kind)
    dense = dense_ov(model, 0, 1) + dense_ov(model, 1, 2)
    result = copying(model, ["L0.H1", "L1.H2"], k=(1, 3, 17))
    rank = (dense.argsort(1, descending=True) == torch.arange(17)[:, None]).int().argmax(1)
    np.testing.assert_allclose(result.accuracy.values, [float((rank < k).double().mean()) for k in (1, 3, 17)])
    values = torch.linalg.eigvals(dense)
    assert float(result.eigenvalue_score) == pytest.approx(float(values.real.sum() / values.abs().sum()), abs=1e-9)
    np.testing.assert_allclose(result.chance.values, [1 / 17, 3 / 17, 1])


@pytest.mark.usefixtures("small_tiles")
@pytest.mark.parametrize("kind", FEW, ids=str)
def test_key_composition_counts_both_directions(kind: Kind) -> None:
    model, offset = tiny(kind), offset_of(kind)
    dense = k_composition(model, "L2.H0", "L0.H1", offset=offset).dense()
    result = key_composition(model, "L2.H0", "L0.H1", k=(2,), offset=offset)
    for direction, matrix in (("key of query", dense), ("query of key", dense.mT)):
        hits = (matrix.topk(2, dim=1).indices == torch.arange(17)[:, None]).any(1)
        assert float(result.accuracy.sel(direction=direction, k=2)) == pytest.approx(float(hits.double().mean()))


def test_an_asymmetric_circuit_tells_the_directions_apart() -> None:
    left = torch.eye(17, 12).double()
    left[12:, 0] = 2.0  # as rows, tokens 12 to 16 all find token 0; as a column, token 0 is found best by 12
    matrix = Factored(left, torch.eye(12, 17).double())
    assert int((streaming.diagonal_ranks(matrix) == 0).sum()) == 12
    assert int((streaming.diagonal_ranks(matrix.T) == 0).sum()) == 11


def test_the_planted_circuit_copies_and_searches_for_what_was_moved() -> None:
    model = planted()
    copies = copying(model, "L1.H0")
    assert copies.accuracy.values.tolist() == [1.0, 1.0]
    assert float(copies.eigenvalue_score) == pytest.approx(1.0)
    assert key_composition(model, "L1.H0", "L0.H0").accuracy.values.tolist() == [[1.0], [1.0]]


def test_a_head_that_stores_where_nobody_reads_copies_nothing() -> None:
    result = copying(planted(), "L0.H0", k=(1, VOCAB))
    assert float(result.accuracy.sel(k=1)) == 0  # every row is flat: a tie is no hit
    assert np.isnan(float(result.eigenvalue_score))


def test_a_transposed_ov_is_noticed() -> None:
    turned = with_transposed_ov(planted())
    assert key_composition(turned, "L1.H0", "L0.H0").accuracy.values.tolist() == [[0.0], [0.0]]
    second = turned.layers[1]
    backwards = replace(second, W_V=second.W_O.mT.contiguous(), W_O=second.W_V.mT.contiguous())
    assert copying(replace(turned, layers=(turned.layers[0], backwards)), "L1.H0").accuracy.values.tolist() == [0, 0]


@pytest.mark.usefixtures("small_tiles")
@pytest.mark.parametrize("kind", FEW, ids=str)
def test_matched_pairs_are_the_largest_of_the_centred_scores(kind: Kind) -> None:
    model, offset = tiny(kind), offset_of(kind)
    result = matched(model, "L1.H0", top=7, offset=offset)
    dense = dense_qk(model, 1, 0, stored_rows(model), offset)
    scores = (dense - dense.mean(1, keepdim=True)) * model.architecture.attention_scale
    best = scores.flatten().topk(7)
    np.testing.assert_allclose(result.score.values, best.values.numpy())
    np.testing.assert_array_equal(result["query"].values, (best.indices // 17).numpy())
    np.testing.assert_array_equal(result["key"].values, (best.indices % 17).numpy())
    assert result["query_text"].values[0] == f"#{int(best.indices[0]) // 17}"


@each("kind", [KINDS[0], KINDS[2], ROTARY[0], MODERN[2]], str)
def test_moved_tokens_are_those_stored_largest_and_promote_their_row(kind: Kind) -> None:
    model = tiny(kind)
    at = model.layers[1]
    stored = (stored_rows(model) @ folded(at.W_V[kv(model, 2)], at.norm) @ at.W_O[2] * after(model, 1)).norm(dim=1)
    result = moved(model, "L1.H2", top=4, k=3)
    np.testing.assert_allclose(result["norm"].values, stored.topk(4).values.numpy())
    rows = dense_ov(model, 1, 2)[stored.topk(4).indices]
    np.testing.assert_allclose(result["logit"].values, rows.topk(3).values.numpy())
    np.testing.assert_array_equal(result["promoted"].values, rows.topk(3).indices.numpy())
    assert result.attrs["typical"] == pytest.approx(float(stored.median()))


def test_tokens_have_names_and_bos_its_sign() -> None:
    result = moved(planted(), "L1.H0", top=VOCAB)
    assert dict(zip(result["token"].values.tolist(), result["text"].values.tolist(), strict=True))[BOS] == "⊢"
    assert {"a", "s"} <= set(result["text"].values.tolist())


@each("kind", [kind for kind in FEW if kind.rotary], str)
def test_rotary_positions_require_an_offset(kind: Kind) -> None:
    model = tiny(kind)
    with pytest.raises(Undefined, match="offset="):
        matched(model, "L1.H0")
    with pytest.raises(Undefined, match="offset="):
        key_composition(model, "L1.H0", "L0.H0")
    assert copying(model, "L1.H0").sizes["k"] == 2  # OV does not turn


def test_circuits_of_a_narrow_file_are_those_of_its_widened_numbers() -> None:
    narrow = tiny(KINDS[2]).map(lambda tensor: tensor.half())
    wide = narrow.map(lambda tensor: tensor.float())
    for found, expected in (
        (copying(narrow, "L1.H0"), copying(wide, "L1.H0")),
        (moved(narrow, "L1.H0"), moved(wide, "L1.H0")),
    ):
        assert found.drop_attrs().equals(expected.drop_attrs())
    torch.testing.assert_close(full_qk(narrow, "L1.H2").dense(), full_qk(wide, "L1.H2").dense())
    assert key_composition(narrow, "L1.H0", "L0.H0").equals(key_composition(wide, "L1.H0", "L0.H0"))


def test_requests_that_cannot_be_are_refused() -> None:
    model = tiny(KINDS[0])
    with pytest.raises(NoSuchWire, match=r"L1\.H0"):
        key_composition(model, "L0.H0", "L1.H0")
    with pytest.raises(NoSuchSite, match="Nearest"):
        copying(model, ["L0.H0", "L9.H9"])
    with pytest.raises(BadRequest, match="no head"):
        copying(model, [])
    with pytest.raises(BadRequest, match="k = 18"):
        copying(model, "L0.H0", k=(18,))
    with pytest.raises(BadRequest, match="top = 0"):
        moved(model, "L0.H0", top=0)
    with pytest.raises(BadRequest, match="rotary"):
        matched(model, "L0.H0", offset=1)


def test_a_circuit_of_fifty_thousand_tokens_passes_in_small_tiles_in_float32() -> None:
    vocab, inside = 50_257, 64
    matrix = streaming.precise(Factored(torch.zeros(vocab, inside), torch.zeros(inside, vocab)))
    assert matrix.left.dtype == torch.float32
    seen = 0
    for number, (_top, _start, tile) in enumerate(streaming.tiles(matrix)):
        assert tile.numel() * tile.element_size() <= 4 << 20
        seen += tile.numel()
        if number == 119:
            break
    assert seen > 2 * streaming.ROWS * vocab
    assert streaming.precise(Factored(torch.zeros(9, 2), torch.zeros(2, 9))).left.dtype == torch.float64


def test_a_diagonal_is_no_rival_of_itself_whatever_its_rounding() -> None:
    generator = torch.Generator().manual_seed(0)
    left = torch.randn(300, 37, generator=generator)
    exact = (left.double() @ left.double().mT).argmax(1) == torch.arange(300)
    assert torch.equal(streaming.diagonal_ranks(Factored(left, left.mT.contiguous())) == 0, exact)
