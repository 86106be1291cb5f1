"""A whole listing: exact where nothing or everything is listed, and the same numbers as runs of the circuit."""

import pytest
import torch
from tiny import FEW, tiny

import loadstore as ls
from loadstore.circuits.live import live
from loadstore.decomposition.listing import listing
from loadstore.errors import BadPrompt
from loadstore.evidence.whole import Whole, whole_listing

SENTENCE = "the cat sat on the mat. the dog sat on the log."


def test_the_builtin_listing_is_measured_against_a_prompt_and_against_the_corpus() -> None:
    model = ls.load("builtin")
    trace = ls.run(model, SENTENCE, record=True)
    found = listing(trace, 10, predict=" on")
    other = "the cat ran by the mat. the dog sat on the log."
    whole = whole_listing(found, other)
    clean = trace.logits[10].log_softmax(-1)[found.token]
    replaced = ls.run(model, other).logits[10].log_softmax(-1)[found.token]
    assert whole.all == pytest.approx(float(clean), abs=1e-4)
    assert whole.none == pytest.approx(float(replaced), abs=1e-4)
    assert whole.live == live(model).count
    assert whole.sufficiency == pytest.approx((whole.alone - whole.none) / (whole.all - whole.none))
    assert whole.necessity == pytest.approx(1 - (whole.without - whole.none) / (whole.all - whole.none))
    assert "the counterfactual prompt" in str(whole)
    mean = whole_listing(found)
    assert "24 texts of the default corpus" in mean.replaced
    assert mean.all == pytest.approx(whole.all, abs=1e-4)
    assert mean.none != whole.none


def test_a_model_without_a_tokenizer_takes_random_tokens_and_the_next_listing_the_same_ones() -> None:
    for kind in (FEW[2], FEW[4], FEW[10]):
        trace = ls.run(tiny(kind), [1, 5, 2, 7, 5, 2], record=True)
        found = listing(trace, 5, predict=7)
        one, again, other = (whole_listing(found, seed=seed) for seed in (0, 0, 1))
        assert one == again
        assert one.none != other.none
        assert one.all == pytest.approx(float(trace.logits[5].log_softmax(-1)[7]), abs=1e-9)
        assert "random tokens" in one.replaced


def test_everything_listed_is_sufficient_and_necessary() -> None:
    whole = Whole(3, 3, "nothing", -1.0, -5.0, -1.0, -5.0, 2, -2.0)
    assert (whole.sufficiency, whole.necessity) == (1, 1)
    half = Whole(1, 3, "nothing", -1.0, -5.0, -3.0, -2.0, 1, -4.0)
    assert (half.sufficiency, half.necessity, half.drawn_sufficiency) == (0.5, 0.25, 0.25)
    still = Whole(1, 3, "nothing", -1.0, -1.0, -3.0, -2.0, 0, -1.0)
    assert still.sufficiency != still.sufficiency


def test_prompts_that_do_not_fit_are_refused() -> None:
    trace = ls.run(tiny(FEW[0]), torch.tensor([1, 5, 2, 7, 5, 2]), record=True)
    found = listing(trace, 4, predict=7)
    with pytest.raises(BadPrompt, match="has 4 tokens and the listing's prompt 5"):
        whole_listing(found, [1, 5, 2, 7])
    with pytest.raises(BadPrompt, match="same prompt"):
        whole_listing(found, [1, 5, 2, 7, 5, 3])
    assert whole_listing(found, [1, 5, 2, 6, 5, 3]).none != 0
