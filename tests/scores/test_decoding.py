"""What a channel stores and what is loaded with it, against dense matrices and on the planted circuit."""

from dataclasses import replace

import numpy as np
import planted
import pytest
import torch
from dense import loaded_by_units, stored_by_units
from each import each
from tiny import FEW, Kind, after, of_head, sized, stored_rows, tiny, turning
from torch import Tensor

import loadstore as ls
from loadstore.errors import BadRequest, NoSuchWire, Undefined
from loadstore.model.layers import Norm
from loadstore.model.weights import Weights
from loadstore.model.wiring import wiring
from loadstore.scores.channels import split_writer

OFFSET = 2


def through(norm: Norm | None) -> Tensor:
    if norm is None:
        return torch.eye(12, dtype=torch.float64)
    return (torch.eye(12, dtype=torch.float64) - (1 / 12 if norm.centres else 0.0)) @ norm.gain.diag()


def centred(values: Tensor) -> Tensor:
    return values - values.mean()


def loads(model: Weights, reader: str, v: Tensor, rows: Tensor, *, behind: bool = False) -> Tensor:
    """What the other end of a reader has for v, dense."""
    unembed = through(model.final_norm) @ (model.W_U - model.W_U.mean(1, keepdim=True))
    if reader == "unembed":
        return v @ unembed
    layer = model.layers[1]
    if reader == "L1.mlp":
        return v @ through(layer.mlp.norm) @ loaded_by_units(layer.mlp)
    N, kv = through(layer.norm), 2 // (model.architecture.n_heads // len(layer.W_K))
    if reader == "L1.H2.V":
        return v @ N @ (layer.W_V[kv] * sized(model, 1, "V")) @ (layer.W_O[2] * after(model, 1)) @ unembed
    N = torch.eye(12, dtype=torch.float64) if behind else N
    W_Q = N @ layer.W_Q[2] * (1 if layer.q_norm is None else of_head(layer.q_norm, 2).gain)
    W_K = N @ layer.W_K[kv] * (1 if layer.k_norm is None else of_head(layer.k_norm, kv).gain)
    W_Q, W_K = W_Q * sized(model, 1, "Q"), W_K * sized(model, 1, "K")
    W_QK = W_Q @ turning(model.architecture.rotary_of(1), OFFSET) @ W_K.mT
    return centred(rows @ (W_QK.mT if reader == "L1.H2.Q" else W_QK) @ v) * model.architecture.attention_scale


def unsorted(matches, count: int) -> Tensor:
    """All values by row again; rows that neither sign has are 0."""
    values = torch.zeros(count, dtype=torch.float64)
    for match in (*matches["+"], *matches["-"]):
        values[match.index] = match.value
    return values


@each("kind", FEW, str)
def test_both_ends_are_their_definition_in_dense_matrices(kind: Kind) -> None:
    model = tiny(kind)
    behind = kind.positions == "shortformer"
    offset = None if kind.rotary is None else OFFSET
    writers = {"embed": stored_rows(model), "L0.H1": None, "pos": model.W_pos, "L0.mlp": None}
    for writer in [str(w) for w in wiring(model).writers if str(w) in writers]:
        for reader in ("L1.H2.Q", "L1.H2.K", "L1.H2.V", "unembed", *(["L1.mlp"] if kind.mlp else [])):
            if writer == "pos" and behind and reader[-2:] not in (".Q", ".K"):
                continue
            source, target = wiring(model).wire(writer, reader)
            v = split_writer(model, source, [target], "fold").directions[1]
            rows = model.W_pos if writer == "pos" else stored_rows(model)
            found = ls.vocabulary.channel_tokens(model, writer, reader, 2, top=17, offset=offset)
            if writer == "L0.mlp":
                after_mlp = model.layers[0].mlp.after
                gain = model.architecture.residual_scale * (1 if after_mlp is None else after_mlp.gain)
                stored = stored_by_units(model.layers[0].mlp) * gain @ v
            else:
                first = model.layers[0]
                kv = 1 // (model.architecture.n_heads // len(first.W_K))
                A = (
                    through(first.norm) @ first.W_V[kv] * sized(model, 0, "V") @ first.W_O[1] * after(model, 0)
                    if writer == "L0.H1"
                    else torch.eye(12).double()
                )
                stored = (rows - rows.mean(0)) @ A @ v
            sign = stored[stored.abs().argmax()].sign()
            assert found.stored["+"][0].value == pytest.approx(float(stored.abs().max()))
            loaded = loads(model, reader, v, rows, behind=behind and writer == "pos")
            ranked = loaded.sort().values  # of 28 gated units the 17 strongest of each sign are given
            among = (loaded >= ranked[-min(17, len(loaded))]) & (loaded > 0)
            among |= (loaded <= ranked[min(17, len(loaded)) - 1]) & (loaded < 0)
            torch.testing.assert_close(unsorted(found.stored, len(stored)), sign * stored)
            torch.testing.assert_close(unsorted(found.loaded, len(loaded)), sign * loaded * among)
            alike = found.stored_as == found.loaded_as.split()[0] != "units"
            cosine = float(torch.cosine_similarity(stored, loaded, 0)) if alike else np.nan
            assert found.agreement == pytest.approx(cosine, nan_ok=True)


def distinct() -> Weights:
    """The planted circuit with every channel of L0.H0 of its own strength, token 0 the strongest."""
    model = planted.planted()
    strengths = torch.linspace(2, 1, 20, dtype=torch.float64)
    first = model.layers[0]
    return replace(model, layers=(replace(first, W_O=strengths[:, None] * first.W_O), model.layers[1]))


def test_each_planted_channel_moves_one_token_and_is_matched_by_it() -> None:
    model = distinct()
    assert ls.vocabulary.channels(model, "L0.H0").dimension.values.tolist() == [1] * 20
    for channel in (1, 8, 20):
        found = ls.vocabulary.channel_tokens(model, "L0.H0", "L1.H0.K", channel, top=1)
        names = ["⊢", *"abcdefghijklmnopqrs"]
        (stored,), (loaded,) = found.stored["+"], found.loaded["+"]
        assert stored.text == loaded.text == names[channel - 1]
        assert stored.value == pytest.approx(found.strength * (1 - 1 / 20))
        assert found.agreement == pytest.approx(1)
        assert found.text.splitlines()[0] == f"+ {names[channel - 1]}  →  {names[channel - 1]}"


def test_a_planted_subspace_is_decoded_by_norms() -> None:
    found = ls.vocabulary.channel_tokens(planted.planted(), "L0.H0", "L1.H0.K", 1, top=20)
    assert found.dimension == 20
    assert [match.value for match in found.stored["±"]] == pytest.approx([0.95**0.5] * 20)
    assert found.agreement == pytest.approx(1)
    some = ls.vocabulary.channel_tokens(planted.with_ranks(planted.planted(), 5, 20), "L0.H0", "L1.H0.K", 1, top=5)
    assert some.dimension == 5
    for end in (some.stored, some.loaded):
        assert sorted(match.index for match in end["±"]) == [0, 1, 2, 3, 4]


def test_positions_of_keys_are_matched_by_the_queries_after_them() -> None:
    model = planted.planted("shortformer")
    sized = replace(model, W_pos=torch.linspace(2, 1, 16, dtype=torch.float64)[:, None] * model.W_pos)
    found = ls.vocabulary.channel_tokens(sized, "pos", "L0.H0.K", 4, top=1)
    assert (found.stored["+"][0].text, found.loaded["+"][0].text) == ("pos·3", "pos·4")
    assert found.loaded_as == "positions whose queries match"


def test_a_channel_that_no_token_stores_keeps_what_is_loaded_with_it() -> None:
    model = planted.with_transposed_ov(planted.with_ranks(planted.planted(), 1, 20))  # reads S, where no token is
    found = ls.vocabulary.channel_tokens(model, "L0.H0", "L1.H0.V", 1, top=1)
    assert (found.dimension, found.stored) == (1, {"+": (), "-": ()})
    assert found.loaded["+"][0].text == "⊢"
    assert np.isnan(found.agreement)


def test_the_other_end_is_what_tokens_store_and_not_what_heads_do() -> None:
    model = distinct()  # L1.H0's keys are found in S, where no token is
    score = ls.vocabulary.channels(model, "embed", "L1.H0.Q").score.item()
    assert score == pytest.approx(20**-0.5)
    assert ls.vocabulary.channel_tokens(model, "embed", "L1.H0.Q", 1).loaded == {"±": ()}


def test_what_cannot_be_decoded() -> None:
    model = tiny(Kind("rotary", "none", biases=False))
    for reader in ("L1.H0.Q", "L1.H0.K"):
        with pytest.raises(Undefined, match="give one, offset="):
            ls.vocabulary.channel_tokens(model, "L0.H0", reader, 1)
    with pytest.raises(BadRequest, match=r"channel 5: L0\.H0 has the channels 1 to 4 for L1\.H0\.V"):
        ls.vocabulary.channel_tokens(model, "L0.H0", "L1.H0.V", 5)
    with pytest.raises(BadRequest, match="top = 0"):
        ls.vocabulary.channel_tokens(model, "L0.H0", "L1.H0.V", 1, top=0)
    with pytest.raises(NoSuchWire):
        ls.vocabulary.channel_tokens(model, "L1.H0", "L0.H0.V", 1)
