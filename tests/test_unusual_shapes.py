"""Sizes that other tests do not have, against plain definitions: wide and single heads, one token, a context of one."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from close import assert_close
from dense import ov, qk, reads, writes
from tiny import UNUSUAL, some_tokens, stored_rows, tiny

import loadstore as ls
from loadstore.decomposition.decomposition import reader_parts
from loadstore.errors import Undefined
from loadstore.model.wiring import wiring
from loadstore.scores.decoding import channel_tokens
from loadstore.scores.overlap import overlap
from loadstore.sites import Head


@pytest.fixture(params=UNUSUAL, ids=str)
def model(request: pytest.FixtureRequest) -> ls.Weights:
    return tiny(request.param)


def last(model: ls.Weights) -> Head:
    return model.architecture.heads[-1]


def offset(model: ls.Weights) -> int | None:
    """W_QK needs one where positions turn."""
    return None if model.architecture.rotary is None else 1


def largest(parts: Sequence[Any]) -> float:
    """The largest number that a sum adds: the scale of its rounding, also where the sum is small."""
    return max((float(np.abs(np.asarray(part)).max()) for part in parts), default=1.0)


def test_the_stream_and_every_input_are_the_sum_of_their_writers(model: ls.Weights) -> None:
    trace = ls.run(model, some_tokens(model), record=True)
    network = wiring(model)
    stored = [w for w in network.writers if not (w.kind == "pos" and network.shortformer)]
    for layer in range(model.architecture.n_layers + 1):
        parts = [trace.written(w) for w in stored if w.layer < layer]
        assert_close(sum(parts), trace.residual(layer), scale=largest(parts))
    for reader in network.readers:
        parts = list(reader_parts(trace, reader).values())
        if reader.is_unembed:
            assert_close(sum(parts), trace.all_logits, scale=largest(parts))
        elif not reader.is_mlp:
            record = trace.record.layers[reader.layer]
            whole = {"Q": record.q, "K": record.k, "V": record.v}[reader.side][:, :, reader.index]
            assert_close(sum(parts), whole, scale=largest(parts))


def test_scores_outputs_and_logits_are_their_sums(model: ls.Weights) -> None:
    trace = ls.run(model, some_tokens(model, batch=1)[0])
    for head in model.architecture.heads:
        parts = ls.parts.score_parts(trace, head)
        whole = parts.sum(["query_writer", "key_writer"]).transpose("query", "key")
        assert_close(whole, trace.scores(head), scale=largest([parts.values]))
        parts = ls.parts.output_parts(trace, head, -1)
        assert_close(parts.sum(["key", "writer"]), trace.written(head)[-1], scale=largest([parts.values]))
    parts = ls.parts.logit_parts(trace, -1, 0, by_source=True)
    scale = largest([parts.values])
    assert_close(float(ls.parts.logit_parts(trace, -1, 0).sum()), float(trace.logits[-1, 0]), scale=scale)
    assert_close(parts.sum("key"), ls.parts.logit_parts(trace, -1, 0), scale=scale)


def test_the_shares_of_an_address_add_up_or_say_why_not(model: ls.Weights) -> None:
    trace = ls.run(model, some_tokens(model, batch=1)[0])
    for head in model.architecture.heads:
        found = ls.address(trace, head, -1)
        assert_close(list(found.weights), trace.pattern(head)[-1, : len(found.weights)])
        assert math.fsum(found.shares["V"].values()) == pytest.approx(1, abs=1e-9)
        both = [*found.shares["Q"].values()], [*found.shares["K"].values()]
        if trace.pattern(head).shape[-1] == 1:
            assert np.isnan(both).all()
            assert found.undefined  # with its reason
        else:
            assert all(math.fsum(shares) == pytest.approx(1, abs=1e-8) for shares in both)


def test_channels_add_up_to_their_wires_and_cosines_make_the_score(model: ls.Weights) -> None:
    wires, network = ls.subspace_scores(model), wiring(model)
    for reader in network.readers[-5:]:  # the last head's three sides, and the MLP and the unembedding behind them
        for writer in dict.fromkeys([network.writers_of(reader)[0], *network.writers_of(reader)[-2:]]):
            score = float(wires.score.sel(writer=str(writer), reader=str(reader)))
            if math.isnan(score):  # an unembedding of one token reads nothing, a centred stream of one dimension is 0
                continue
            found = ls.vocabulary.channels(model, writer, str(reader))
            assert float((found.share * found.score**2).sum()) == pytest.approx(score**2, rel=1e-8, abs=1e-14)
            wire = overlap(model, writer, reader)
            total = float(wire.written.square().sum() * wire.read.square().sum())
            assert (wire.squared / total) ** 0.5 == pytest.approx(score, rel=1e-8, abs=1e-12)


def test_a_spectrum_is_the_covariance_of_dense_rows(model: ls.Weights) -> None:
    for writer in wiring(model).writers:
        rows = writes(model, writer)
        if len(rows) < 2:
            with pytest.raises(Undefined, match="at least two rows"):
                ls.spectrum(model, writer)
            continue
        expected = torch.linalg.eigvalsh(torch.atleast_2d(rows.mT.cov())).flip(0)
        assert_close(ls.spectrum(model, writer).eigenvalue, expected)
        assert ls.spectrum(model, writer).sizes["rank"] == model.architecture.d_model


def test_vocabulary_circuits_are_the_dense_products(model: ls.Weights) -> None:
    head, vocab = last(model), model.architecture.vocab
    move, match = ov(model, head), qk(model, head, offset(model))
    promoted = stored_rows(model) @ move @ reads(model, wiring(model).readers[-1], wiring(model).writers[0])
    copied = ls.vocabulary.copying(model, head, k=sorted({1, vocab}))
    hits = (promoted.argmax(1) == torch.arange(vocab)).double()
    assert float(copied.accuracy.sel(k=1)) == pytest.approx(float(hits.mean()))
    assert float(copied.accuracy.sel(k=vocab)) == 1
    values = torch.linalg.eigvals(promoted)
    score = float(values.real.sum() / values.abs().sum())  # NaN of one token: nothing is promoted over another
    assert float(copied.eigenvalue_score) == pytest.approx(score, abs=1e-8, nan_ok=True)
    sizes = (stored_rows(model) @ move).norm(dim=1)
    found = ls.vocabulary.moved(model, head, top=1, k=1)
    assert_close(float(found["norm"][0]), float(sizes.max()))
    assert_close(float(found.logit[0, 0]), float(promoted[sizes.argmax()].max()), scale=float(promoted.abs().max()) + 1)
    scores = stored_rows(model) @ match @ stored_rows(model).mT * model.architecture.attention_scale
    centred = scores - scores.mean(1, keepdim=True)
    best_pair = float(ls.vocabulary.matched(model, head, top=1, offset=offset(model)).score[0])
    assert_close(best_pair, float(centred.max()), scale=float(scores.abs().max()))
    seen = move - move.mean(1, keepdim=True) if model.architecture.norm == "layer" else move
    tokens = channel_tokens(model, head, "unembed", 1, top=1)
    assert tokens.strength == pytest.approx(float(torch.linalg.svdvals(seen)[0]), rel=1e-9)
