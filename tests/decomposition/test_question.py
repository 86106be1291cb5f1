"""The prediction to explain: the last token's by default, another on request, and the head that adds most to it."""

import pytest
import torch
from each import each
from tiny import KINDS, Kind, tiny

import loadstore as ls
from loadstore.decomposition.logits import logit_parts
from loadstore.decomposition.question import main_head, question
from loadstore.errors import BadRequest, Undefined

IDS = [3, 1, 4, 1, 5]


def test_by_default_the_last_tokens_likeliest_token_is_explained_against_the_second():
    trace = ls.run(tiny(KINDS[0]), IDS, record=True)
    asked = question(trace)
    best = trace.logits[-1].topk(2).indices.tolist()
    assert (asked.at, [asked.predict, asked.against], asked.rank) == (4, best, 0)
    assert asked.probability == pytest.approx(float(trace.logits[-1].softmax(-1).max()))


def test_what_is_asked_is_explained_and_the_rival_is_never_the_target():
    trace = ls.run(tiny(KINDS[0]), IDS, record=True)
    first, second, third = trace.logits[2].topk(3).indices.tolist()
    assert question(trace, at=2, predict=third).against == first
    assert question(trace, at=2, predict=third).rank == 2
    assert question(trace, at=-3, predict=first).against == second
    assert question(trace, at=2, against=first).predict == second
    assert question(trace, at=2, against=third).predict == first


def test_bad_questions_are_refused():
    trace = ls.run(tiny(KINDS[0]), IDS, record=True)
    with pytest.raises(BadRequest, match="compared with itself"):
        question(trace, predict=3, against=3)
    with pytest.raises(BadRequest, match="token id"):
        question(trace, predict=17)
    with pytest.raises(Undefined, match="no token 5"):
        question(trace, at=5)


@each("kind", [KINDS[0], Kind("rotary", "rms", False, "gated", kv=2)], str)
def test_the_main_head_adds_most_to_the_difference_of_logits(kind):
    trace = ls.run(tiny(kind), IDS, record=True)
    asked = question(trace)
    parts = logit_parts(trace, asked.at, asked.predict, against=asked.against)
    heads = {str(head): float(parts.sel(writer=str(head))) for head in trace.weights.architecture.heads}
    assert heads[str(main_head(trace, asked))] == max(heads.values())


def test_on_the_articles_sentence_an_induction_head_matters_most():
    trace = ls.run(ls.load("builtin"), "the cat sat on the mat. the dog sat on the log.", record=True)
    asked = question(trace, at=10)
    assert trace.weights.tokens.text(asked.predict) == " on"
    assert str(main_head(trace, asked)) in ("L1.H4", "L1.H10")
    assert torch.isfinite(torch.tensor(asked.probability))
