"""An induction circuit planted under rotary positions: every number known, and one wire that carries it.

The stream is four orthogonal blocks: C (the same for every token, 1), E (the token, 20), S (the previous token, 20)
and OUT (the output, 20). Of the 36 dimensions of a head 16 turn: waves of k/16 turns a token, k = 1 to 8.

    L0.H0   Q, K: C, on what turns, the query one step behind its position     OV: E → S
    L1.H0   Q: E, K: S, on what does not turn                                  OV: E → OUT

Q and K of L0.H0 meet with Σ_k cos(2π(Δ − 1)k/16): 8 at offset 1, and 0 or −1 at every other within 16 tokens.
"""

import math
from dataclasses import replace

import planted
import pytest
import torch
from each import each
from torch import Tensor

from loadstore.execution.edits import cut
from loadstore.execution.run import run
from loadstore.heads.roles import head_roles, random_repeats
from loadstore.model.architecture import Architecture
from loadstore.model.layers import Layer
from loadstore.model.ports import qk
from loadstore.model.rotary import Pairs, Rotary
from loadstore.model.weights import Weights
from loadstore.scores.scores import subspace_scores
from loadstore.sites import Head

VOCAB, CONTEXT, WAVES, D_HEAD, D_MODEL, PERIOD = 20, 16, 8, 36, 61, 7
C, E, S, OUT = slice(0, 1), slice(1, 21), slice(21, 41), slice(41, 61)
SCORE = planted.SHARPNESS * D_HEAD**0.5  # of a match, before the division by √d_head


def into(block: slice, inside: Tensor) -> Tensor:
    """[d_model, d_head]: what a block of the stream becomes within a head."""
    whole = torch.zeros(D_MODEL, D_HEAD, dtype=torch.float64)
    whole[block] = inside
    return whole


def tokens_at(first: int) -> Tensor:
    """The identity from 20 tokens to 20 dimensions of a head."""
    return torch.eye(D_HEAD, dtype=torch.float64)[first : first + VOCAB]


def circuit(pairs: Pairs) -> Weights:
    rotary = Rotary(tuple(2 * math.pi * k / CONTEXT for k in range(1, WAVES + 1)), pairs)
    first, _ = rotary.first_and_second()
    key = torch.zeros(1, D_HEAD, dtype=torch.float64)
    key[0, first] = (SCORE / WAVES) ** 0.5
    query = rotary.turn(key, -rotary.angles(1, 1))
    plain = SCORE**0.5 * tokens_at(2 * WAVES)
    copies = into(E, tokens_at(0))  # V does not turn, so it may use the dimensions that do in Q and K

    def layer(query: Tensor, key: Tensor, output: Tensor) -> Layer:
        return Layer(W_Q=query[None], W_K=key[None], W_V=copies[None], W_O=output.mT[None].contiguous())

    W_E = torch.zeros(VOCAB, D_MODEL, dtype=torch.float64)
    W_E[:, C], W_E[:, E] = 1.0, torch.eye(VOCAB, dtype=torch.float64)
    return Weights(
        architecture=Architecture(2, 1, D_MODEL, D_HEAD, VOCAB, CONTEXT, "rotary", rotary=rotary),
        W_E=W_E,
        W_pos=None,
        layers=(
            layer(into(C, query), into(C, key), into(S, tokens_at(0))),
            layer(into(E, plain), into(S, plain), into(OUT, tokens_at(0))),
        ),
        W_U=into(OUT, tokens_at(0))[:, :VOCAB],
        name="planted rotary",
        tokens=planted.planted().tokens,
    )


@pytest.fixture(params=["halves", "adjacent"])
def model(request: pytest.FixtureRequest) -> Weights:
    return circuit(request.param)


def role(model: Weights, head: str, name: str) -> float:
    return float(head_roles(model, random_repeats(model, 8, PERIOD))[name].sel(head=head))


def test_it_attends_to_the_previous_token_and_to_what_followed(model: Weights) -> None:
    assert role(model, "L0.H0", "previous") == pytest.approx(1, abs=1e-9)
    assert role(model, "L1.H0", "induction") == pytest.approx(1, abs=1e-9)
    tokens = random_repeats(model, 8, PERIOD)
    predicted = run(model, tokens).logits[:, -PERIOD:-1].argmax(-1)
    assert torch.equal(predicted, tokens[:, -PERIOD + 1 :])


def test_w_qk_prefers_the_offset_one_and_no_other(model: Weights) -> None:
    at = [float(qk(model, Head(0, 0), offset=offset).dense()[0, 0]) for offset in range(CONTEXT)]
    assert at[1] == pytest.approx(SCORE)
    assert max(at[:1] + at[2:]) < 1e-9
    assert min(at) == pytest.approx(-SCORE / WAVES)


@each("offset", [None, 0, 1, 9])
def test_every_score_is_the_planted_one_on_average_and_at_each_offset(model: Weights, offset: int | None) -> None:
    scores = subspace_scores(model, offset=offset)
    for writer, reader, score in (
        ("embed", "L0.H0.Q", 0.5**0.5),  # half of what the embedding writes is C
        ("embed", "L0.H0.K", 0.5**0.5),
        ("embed", "L0.H0.V", 40**-0.5),
        ("embed", "L1.H0.Q", 40**-0.5),
        ("embed", "L1.H0.K", 0.0),
        ("L0.H0", "L1.H0.Q", 0.0),
        ("L0.H0", "L1.H0.K", 20**-0.5),
        ("L0.H0", "L1.H0.V", 0.0),
    ):
        assert scores.score.sel(writer=writer, reader=reader).item() == pytest.approx(score, abs=1e-9), (writer, reader)
    assert scores.alignment.sel(writer="L0.H0", reader="L1.H0.K").item() == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize("by", ["mean", "zero"])
def test_only_the_k_wire_carries_induction(model: Weights, by: str) -> None:
    tokens = random_repeats(model, 8, PERIOD)
    intact = run(model, tokens)
    stripe = run(model, tokens, [cut("L0.H0", "L1.H0.K", by=by)]).pattern("L1.H0").diagonal(1 - PERIOD, 1, 2)
    assert float(stripe[:, -PERIOD:].mean()) < 0.15
    for side in "QV":
        edited = run(model, tokens, [cut("L0.H0", f"L1.H0.{side}", by=by)])
        assert float((edited.logits - intact.logits).abs().max()) < 1e-9


def test_turning_backwards_or_not_at_all_loses_the_previous_token_and_no_score(model: Weights) -> None:
    rotary = model.architecture.rotary
    assert rotary is not None
    backwards = Rotary(tuple(-frequency for frequency in rotary.frequencies), rotary.pairs)
    still = replace(rotary, frequencies=(0.0,) * WAVES)
    for other in (backwards, still):
        changed = replace(model, architecture=replace(model.architecture, rotary=other))
        assert role(changed, "L0.H0", "previous") < 0.5
        scores = [subspace_scores(one, readers="L0.*").score for one in (model, changed)]
        assert float(abs(scores[0] - scores[1]).max()) < 1e-9
