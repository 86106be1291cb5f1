"""A stream is the sum of its stores, and a store decodes to what was stored."""

import itertools
import math

import planted
import pytest
import torch
from each import each
from tiny import FEW, KINDS, Kind, some_tokens, tiny

import loadstore as ls
from loadstore.decomposition.stored import dictionary, nearest, stores
from loadstore.errors import Undefined
from loadstore.heads.roles import random_repeats
from loadstore.model.wiring import wiring


@each("kind", FEW, str)
def test_shares_sum_to_one_at_every_depth(kind: Kind):
    model = tiny(kind)
    trace = ls.run(model, some_tokens(model, batch=1)[0], record=True)
    for layer, at in itertools.product((0, 1, 3), (0, 4, -1)):
        found = stores(trace, layer, at)
        assert math.fsum(one.share for one in found) == pytest.approx(1, abs=1e-10), (layer, at)
        for one in found:
            assert one.norm == pytest.approx(float(trace.written(one.writer)[at].norm()), rel=1e-12)


@each("kind", FEW, str)
def test_an_embedding_decodes_to_its_token(kind: Kind):
    model = tiny(kind)
    tokens = some_tokens(model, batch=1)[0]
    trace = ls.run(model, tokens, record=True)
    for at in range(5):
        embed = stores(trace, 1, at)[0]
        assert embed.nearest[0] == (int(tokens[at]), pytest.approx(1))


def test_a_planted_head_stores_the_previous_token():
    model = planted.planted("shortformer")
    tokens = random_repeats(model, 1, 7)[0]
    trace = ls.run(model, tokens)
    for at in range(2, len(tokens)):
        head = next(one for one in stores(trace, 1, at) if one.writer == "L0.H0")
        assert head.nearest[0] == (int(tokens[at - 1]), pytest.approx(1, abs=1e-5))


@each("kind", FEW, str)
def test_the_nearest_rows_of_a_head_are_those_of_its_formed_dictionary(kind: Kind):
    model = tiny(kind)
    trace = ls.run(model, some_tokens(model, batch=1)[0])
    for name in ("embed", "L0.H1", "L2.H2"):
        writer = wiring(model).writer(name)
        left, right = dictionary(model, writer)
        rows = left if right is None else left @ right
        expected = torch.nn.functional.cosine_similarity(rows, trace.written(name)[5][None], dim=-1)
        found = nearest(model, writer, trace.written(name)[5], top=17)
        assert [cosine for _, cosine in found] == pytest.approx(expected.sort(descending=True).values.tolist())
        assert [index for index, _ in found] == expected.argsort(descending=True).tolist()


def test_a_constant_and_a_silent_head_decode_to_nothing():
    model = tiny(Kind("learned", "layer", biases=True))
    trace = ls.run(model, some_tokens(model, batch=1)[0], [ls.ablate("L0.H1", by="zero")])
    found = {one.writer: one for one in stores(trace, 1, 3)}
    assert found["L0.bias"].nearest == ()
    assert found["L0.H1"].nearest == ()
    assert found["L0.H1"].norm == 0
    assert found["pos"].nearest[0] == (3, pytest.approx(1))


def test_a_token_that_is_not_there_is_said():
    model = tiny(KINDS[0])
    with pytest.raises(Undefined, match="no token 99"):
        stores(ls.run(model, torch.tensor([1, 2, 3])), 1, 99)
