"""Metrics are their definitions; an effect is a difference of two runs, and a batch is its prompts one by one."""

import math

import pytest
import torch
from hostile import refusal, small, unchecked
from tiny import Kind, some_tokens, tiny

import loadstore as ls
from loadstore.causal.measure import as_metric, measure, needs_last
from loadstore.causal.metrics import Measured
from loadstore.errors import BadPrompt, BadRequest, NoSuchSite, Undefined

KINDS = [Kind("learned", "layer", True, "gelu"), Kind("rotary", "rms", False, "gated", kv=2)]


@pytest.fixture(params=KINDS, ids=str)
def model(request: pytest.FixtureRequest) -> ls.Weights:
    return tiny(request.param)


METRICS: list[Measured] = [
    ls.metrics.log_probability(3),
    ls.logit_difference(1, 2, at=4),
    ls.metrics.kl(),
    ls.metrics.kl(at=2),
    ls.metrics.loss(),
    ls.metrics.pattern_entry("L1.H0", 5, 3),
    lambda trace: trace.written("L1.H0")[3, 2],
]


def test_a_metric_is_its_definition(model: ls.Weights) -> None:
    tokens = some_tokens(model)
    intact, after = ls.run(model, tokens), ls.run(model, tokens, [ls.ablate("L0.H1")])
    p, q = intact.logits.softmax(-1), after.logits.softmax(-1)
    divergence = (p * (p / q).log()).sum(-1)
    expected = [
        q[:, 8, 3].log(),
        after.logits[:, 4, 1] - after.logits[:, 4, 2],
        divergence.mean(1),
        divergence[:, 2],
        -q[:, :-1].log().gather(2, tokens[:, 1:, None])[..., 0].mean(1),
        after.pattern("L1.H0")[:, 5, 3],
        after.written("L1.H0")[:, 3, 2],
    ]
    for metric, value in zip(METRICS, expected, strict=True):
        assert float((measure(metric, after, intact) - value).abs().max()) < 1e-10, str(metric)
        assert float((measure(metric, intact, intact) - value).abs().max()) > 1e-6, str(metric)


def test_a_batchs_values_are_those_of_its_prompts(model: ls.Weights) -> None:
    tokens, others = some_tokens(model, 3), some_tokens(model, 3, seed=1)
    sources = ls.run(model, others)
    for metric in METRICS:
        edits = [ls.patch("L0.H1", sources, at=range(2, 9)), ls.ablate("embed", over=sources, at=2)]
        found = ls.effect(model, tokens, edits, metric)
        for place in range(3):
            one = ls.run(model, others[place])
            edits = [ls.patch("L0.H1", one, at=range(2, 9)), ls.ablate("embed", over=sources, at=2)]
            alone = ls.effect(model, tokens[place], edits, metric)
            assert found.befores[place] == pytest.approx(alone.before, abs=1e-10)
            assert found.afters[place] == pytest.approx(alone.after, abs=1e-10)
            assert alone.befores == (alone.before,)
            assert math.isnan(alone.standard_error)
        changes = torch.tensor(found.changes, dtype=torch.float64)
        assert found.change == pytest.approx(float(changes.mean()), abs=1e-12)
        assert found.standard_error == pytest.approx(float(changes.std()) / 3**0.5)
    assert found.edits[0] == "patch L0.H1 at 2, 3, 4, 5, 6, 7, 8"


def test_targets_that_are_none_are_refused(model: ls.Weights) -> None:
    trace = ls.run(small(), "the cat sat")
    assert float(ls.metrics.log_probability("mat")(trace, trace)[0]) == pytest.approx(
        float(trace.logits[-1].log_softmax(-1)[5]), abs=1e-12
    )
    refusal(
        lambda: ls.metrics.log_probability("the cat")(trace, trace), BadPrompt, "is 2 tokens (the cat)", "must be one"
    )
    refusal(lambda: ls.metrics.log_probability(99)(trace, trace), BadRequest, "token id from 0 to 16")
    refusal(lambda: ls.logit_difference("cat", "cat")(trace, trace), BadRequest, "compared with itself")
    refusal(lambda: ls.metrics.log_probability("cat", at=4)(trace, trace), BadRequest, "no token 4")
    refusal(lambda: ls.metrics.pattern_entry("L9.H0", 0, 0)(trace, trace), NoSuchSite, "L9.H0")
    refusal(lambda: ls.metrics.loss()(ls.run(small(), [3]), trace), BadPrompt, "nothing to predict")
    refusal(lambda: measure(lambda t: t.logits, trace, trace), BadRequest, "a single number")
    with unchecked():
        refusal(lambda: measure(lambda t: None, trace, trace), BadRequest, "a single number")  # pyright: ignore[reportArgumentType]
        refusal(lambda: measure(lambda logits: int("x"), trace, trace), BadRequest, "metric= did not return a number")
        refusal(lambda: measure("kl", trace, trace), BadRequest, "metric='kl'", "a function")  # pyright: ignore[reportArgumentType]
    without = ls.run(model, [1, 2])
    refusal(lambda: ls.metrics.log_probability("cat")(without, without), Undefined, "no tokenizer")


def test_a_metric_names_the_targets_of_each_prompt_by_their_role() -> None:
    each, several = [" a", " b"], [[" a", " c"], [" b"]]
    assert str(ls.logit_difference(each, [" c", " d"])) == (
        "logit difference, each prompt's own answer minus its alternative, after the last token"
    )
    assert str(ls.logit_difference(several, " d", at=3)) == (
        "logit difference, each prompt's own answers minus ' d', after token 3"
    )
    assert (
        str(ls.metrics.log_probability(each))
        == "log-probability of each prompt's own answer after the last token, nats"
    )
    assert str(ls.metrics.log_probability(" a", at=-2)) == "log-probability of ' a' after token -2, nats"


def test_a_function_without_a_signature_is_taken_as_it_is_and_one_that_fails_on_nan_needs_every_token(model) -> None:
    assert as_metric(max) is max

    def strict(trace: ls.Trace) -> torch.Tensor:
        if trace.all_logits.isnan().any():
            raise ValueError("NaN")
        return trace.all_logits[:, -1, 0]

    trace = ls.run(model, some_tokens(model))
    assert not needs_last(strict, trace)
    assert needs_last(lambda trace: trace.all_logits[:, -1, 0], trace)
    assert not needs_last(lambda trace: trace.all_logits[:, 0, 0], trace)
