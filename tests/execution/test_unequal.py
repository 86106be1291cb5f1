"""Prompts of unequal length in one batch: each gives what it gives alone, and NaN behind its end."""

import pytest
import torch
from close import assert_close
from each import each
from hostile import refusal
from tiny import FEW, HALF, Kind, tiny

import loadstore as ls
from loadstore.errors import BadPrompt, BadRequest, Undefined
from loadstore.execution.kinds import Asked

PROMPTS = [[3, 1, 4, 1, 5, 9, 2, 6, 5], [2, 7, 1, 8], [1, 6, 1, 8, 0, 3]]
OTHERS = [[2, 1, 4, 3, 5, 8, 2, 6, 6], [1, 7, 0, 8], [5, 6, 9, 8, 0, 1]]


def edits_of(source: ls.Trace, reference: ls.Trace) -> list[Asked]:
    """Edits of every kind that do not take a mean over the batch."""
    return [
        ls.ablate("L0.H1", by="zero", at=[0, -1]),
        ls.ablate("L1.H*", over=reference, at=-2),
        ls.cut(["L0.H0", "embed"], "L2.H1.?", by="zero"),
        ls.patch("L0.H2", source, at=-1),
        ls.patch("L1.stream", source, at=-1),
    ]


@each("kind", HALF, ids=str)
def test_each_prompt_of_a_batch_gives_what_it_gives_alone(kind: Kind) -> None:
    model = tiny(kind)
    reference, together = ls.run(model, [3, 5, 2, 4, 1]), ls.run(model, OTHERS)
    batch = ls.run(model, PROMPTS, edits_of(together, reference))
    for index, (prompt, other) in enumerate(zip(PROMPTS, OTHERS, strict=True)):
        alone = ls.run(model, prompt, edits_of(ls.run(model, other), reference))
        mine, length = batch.prompt(index), len(prompt)
        assert_close(mine.logits, alone.logits)
        assert_close(batch.logits[index, :length], alone.logits)
        assert_close(batch.pattern("L1.H1")[index, :length, :length], alone.pattern("L1.H1"))
        assert_close(mine.scores("L2.H0"), alone.scores("L2.H0"))
        assert_close(mine.written("L1.H2"), alone.written("L1.H2"))
        assert_close(mine.residual(2), alone.residual(2))
        behind = [
            batch.logits,
            batch.pattern("L1.H1"),
            batch.written("embed"),
            batch.residual(3),
            batch.scores("L0.H0"),
        ]
        assert all(bool(value[index, length:].isnan().all()) for value in behind)


@each("kind", FEW[3:6], ids=str)
def test_a_mean_of_the_run_leaves_the_padding_out(kind: Kind) -> None:
    model = tiny(kind)
    batch = ls.run(model, PROMPTS, record=True)
    for writer in ("embed", "L1.H0"):
        stores = [ls.run(model, prompt).written(writer)[1:] for prompt in PROMPTS]
        edited = ls.run(model, PROMPTS, [ls.ablate(writer)])
        assert_close(edited.prompt(1).written(writer), torch.cat(stores).mean(0).expand(4, -1))
        over = ls.run(model, PROMPTS[1], [ls.ablate(writer, over=batch)])
        assert_close(over.logits, edited.prompt(1).logits)


@each("kind", [FEW[1], FEW[-1]], ids=str)
def test_sums_over_writers_are_those_of_each_prompt(kind: Kind) -> None:
    model = tiny(kind)
    batch = ls.run(model, PROMPTS)
    tokens, others = [2, 5, 1], [3, 4, 2]
    logits = ls.parts.logit_parts(batch, -1, tokens, against=others)
    sources = ls.parts.logit_parts(batch, -1, tokens[0], by_source=True)
    streams = ls.parts.residual_parts(batch, 2, at=-2)
    scores = ls.parts.score_parts(batch, "L1.H0", -1, 1)
    for index, prompt in enumerate(PROMPTS):
        alone = ls.run(model, prompt)
        single = ls.parts.logit_parts(alone, -1, tokens[index], against=others[index])
        assert logits.isel(prompt=index).values == pytest.approx(single.values, rel=1e-9, abs=1e-12)
        assert logits.attrs["recorded"][index] == pytest.approx(single.attrs["recorded"], rel=1e-9)
        spread = ls.parts.logit_parts(alone, -1, tokens[0], by_source=True).values
        assert sources.isel(prompt=index).values[:, : len(prompt)] == pytest.approx(spread, rel=1e-9, abs=1e-12)
        assert bool(sources.isel(prompt=index)[:, len(prompt) :].isnull().all())
        stream = ls.parts.residual_parts(alone, 2, at=-2).values
        assert streams.isel(prompt=index).values == pytest.approx(stream, rel=1e-9, abs=1e-12)
        pair = ls.parts.score_parts(alone, "L1.H0", -1, 1).values
        assert scores.isel(prompt=index).values == pytest.approx(pair, rel=1e-9, abs=1e-12)
    refusal(lambda: ls.parts.score_parts(batch, "L1.H0"), Undefined, "one length")
    refusal(lambda: ls.parts.logit_parts(batch, -1, [2, 5]), BadRequest, "2 targets for 3 prompts")


@each("edits", [[], [ls.ablate("embed", by="zero", at=1)]], ids=str)
def test_losses_and_effects_are_means_of_each_prompt(edits: list[Asked]) -> None:
    model = tiny(FEW[1])
    found = ls.experiments.ablation_effects(model, "L1.H*", by="zero", on=PROMPTS, edits=edits)
    assert found["head"].values.tolist() == ["L1.H0", "L1.H1", "L1.H2"]
    alone = [ls.experiments.ablation_effects(model, "L1.H*", by="zero", on=[prompt], edits=edits) for prompt in PROMPTS]
    assert found.loss.values == pytest.approx(sum(each.loss.values for each in alone) / 3, rel=1e-6)  # of float32
    batch = ls.run(model, PROMPTS, edits)
    intact = ls.run(model, PROMPTS)
    for metric in (
        ls.metrics.loss(),
        ls.metrics.loss(start=1),
        ls.metrics.loss(start=-3),
        ls.metrics.kl(),
        ls.metrics.kl(at=-1),
        ls.metrics.pattern_entry("L2.H1", -1, 1),
    ):
        expected = [float(metric(ls.run(model, prompt, edits), ls.run(model, prompt))[0]) for prompt in PROMPTS]
        assert metric(batch, intact).tolist() == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_predictions_by_layer_end_in_the_models_own() -> None:
    batch = ls.run(tiny(FEW[7]), PROMPTS)
    whole, best = batch.lens(), batch.top(k=3)
    for index, prompt in enumerate(PROMPTS):
        mine = batch.prompt(index)
        row = mine.logits[-1].softmax(-1)
        assert mine.lens().probability.values[-1, -1] == pytest.approx(float(row.max()), rel=1e-9)
        assert best.text.values[index].tolist() == [f"#{token}" for token in row.topk(3).indices.tolist()]
        assert best.probability.values[index] == pytest.approx(row.topk(3).values.numpy(), rel=1e-9)
        assert best.logit.values[index, 1] == pytest.approx(float(mine.logits[-1].topk(2).values[1]), rel=1e-9)
        assert whole.text.values[index, :, : len(prompt)].tolist() == mine.lens().text.values.tolist()
        assert bool(whole.probability.isel(prompt=index)[:, len(prompt) :].isnull().all())
        assert mine.patterns.values[1, 2] == pytest.approx(mine.pattern("L1.H2").numpy())
        assert batch.patterns.values[index, 1, 2][: len(prompt), : len(prompt)] == pytest.approx(
            mine.patterns.values[1, 2]
        )
    assert batch.patterns.dims == ("prompt", "layer", "head", "query", "key")
    stream = batch.prompt(0).residual(1)
    read = stream * (stream.square().mean(-1, keepdim=True) + batch.weights.architecture.eps).rsqrt()
    gain = batch.weights.norm(None)
    assert gain is not None
    assert gain.gain is not None
    expected = (read * gain.gain @ batch.weights.W_U).softmax(-1).max(-1).values
    assert batch.prompt(0).lens().probability.values[1] == pytest.approx(expected.numpy(), rel=1e-9)
    refusal(lambda: batch.top(k=18), BadRequest, "from 1 to 17")
    refusal(lambda: batch.prompt(3), BadRequest, "prompts 0 to 2")


def test_prompts_that_would_meet_others_of_another_length_are_refused() -> None:
    model = tiny(FEW[1])
    short = ls.run(model, [prompt[:3] for prompt in PROMPTS])
    refusal(lambda: ls.run(model, PROMPTS, [ls.patch("embed", short)]), BadPrompt, "3 tokens", "equal length")
    other = ls.run(model, PROMPTS[::-1])
    refusal(lambda: ls.run(model, PROMPTS, [ls.patch("embed", other)]), BadPrompt, "9 and of 6 tokens would be matched")
    refusal(lambda: ls.run(model, PROMPTS, [ls.ablate("embed", at=4)]), BadRequest, "no token 4")
