"""A sweep over writers or tokens gives what one whole pass for each edit gives."""

import pytest
import torch
from close import assert_close
from each import each
from hostile import refusal
from tiny import HALF, Kind, some_tokens, tiny

import loadstore as ls
from loadstore.causal.engine import reruns
from loadstore.causal.measure import measure, needs_record
from loadstore.causal.metrics import Measured
from loadstore.causal.sweep import Ablated
from loadstore.errors import BadRequest, Undefined

WRITERS = ["embed", "L0.H1", "L1.H0", "L2.H2", "L1.stream"]
METRICS: dict[str, Measured] = {
    "built in": ls.logit_difference(2, 5),
    "of logits": lambda logits: logits[:, 2] - logits[:, 5],
    "of a run": lambda trace: trace.logits[-1, 2] - trace.logits[-1, 5],
    "of a run's record": lambda trace: trace.logits[-1, 2] - trace.logits[-1, 5] + 0 * trace.written("embed")[0, 0],
}


def changes(trace: ls.Trace, at: int | None, source: ls.Trace | None, by: Ablated, writers: list[str]) -> list[float]:
    """The mean change of a logit difference after the last token, one pass for each writer."""
    made = [ls.ablate(w, by=by, at=at) if source is None else ls.patch(w, source, at=at) for w in writers]
    prompts = [trace.tokens[row, :length].tolist() for row, length in enumerate(trace.lengths)]
    runs = [trace, *(ls.run(trace.weights, prompts, [edit]) for edit in made)]
    before, *after = (measure(METRICS["built in"], run, run) for run in runs)
    return [float((values - before).mean()) for values in after]


@each("kind", HALF, ids=str)
def test_a_sweep_over_writers_is_one_pass_for_each(kind: Kind) -> None:
    model = tiny(kind)
    tokens = some_tokens(model)
    changed = torch.cat([tokens[:, :6], some_tokens(model, seed=1)[:, 6:]], 1)  # runs that begin alike
    trace, other = ls.run(model, tokens), ls.run(model, changed)
    for source, by, at in ((None, "zero", -1), (None, "mean", 3), (other, "mean", None), (other, "mean", -1)):
        found = ls.experiments.sweep(trace, WRITERS, metric=METRICS["built in"], source=source, by=by, at=at)
        expected = changes(trace, at, source, by, found.writer.values.tolist())
        assert found.change.values == pytest.approx(expected, rel=1e-9, abs=1e-9)
    edit, last = ls.ablate("L0.H1", at=-1), trace.tokens.shape[1] - 1
    (batch,) = reruns(trace, [[edit]], at=last)  # its mean is over all tokens
    assert_close(batch.logits[:, 0], ls.run(model, tokens, [edit]).logits[:, -1])
    assert float(found.change.sel(writer="L1.stream")) == pytest.approx(expected[-1], rel=1e-9, abs=1e-9)
    assert found.layer.values.tolist() == [-1, 0, 1, 2, 1]


@each("name", METRICS)
def test_a_sweep_over_tokens_with_any_metric(name: str) -> None:
    model = tiny(Kind("rotary", "rms", False, "gated", kv=2))
    trace, other = ls.run(model, [3, 1, 4, 1, 5, 9, 2, 6]), ls.run(model, [3, 1, 4, 2, 7, 9, 2, 6])
    found = ls.experiments.sweep(trace, "L?.stream", metric=METRICS[name], source=other, at="each")
    assert found.change.dims == ("writer", "token")
    assert found.token.values.tolist() == trace.labels
    for token in range(8):
        expected = changes(trace, token, other, "mean", ["L0.stream", "L1.stream", "L2.stream"])
        assert found.change.values[:, token] == pytest.approx(expected, rel=1e-9, abs=1e-9)
    assert abs(float(found.change.sel(writer="L1.stream", token="#5·4"))) > 1e-6
    wires = ls.experiments.sweep(trace, "L0.H? -> L2.H1.?", metric=METRICS[name], at="#5", by="zero")
    alone = ls.run(model, trace.tokens[0], [ls.cut("0.2", "2.1.V", at=4, by="zero")])
    expected = float(measure(METRICS[name], alone, trace) - measure(METRICS[name], trace, trace))
    assert float(wires.sel(writer="L0.H2").sel(reader="L2.H1.V").change) == pytest.approx(expected, rel=1e-9)
    assert needs_record(METRICS[name], trace) == (name == "of a run's record")


@each("name", METRICS)
def test_prompts_of_unequal_length_are_swept(name: str) -> None:
    model = tiny(Kind("learned", "layer", True, "gelu"))
    prompts, others = [[3, 1, 4, 1, 5, 9], [2, 7, 1]], [[2, 1, 4, 3, 5, 9], [1, 7, 0]]
    trace, other = ls.run(model, prompts), ls.run(model, others)
    for source, by, at in ((None, "mean", None), (other, "mean", -1)):
        found = ls.experiments.sweep(trace, WRITERS, metric=METRICS[name], source=source, by=by, at=at)
        expected = changes(trace, at, source, by, found.writer.values.tolist())
        assert found.change.values == pytest.approx(expected, rel=1e-9, abs=1e-9)
    wires = ls.experiments.sweep(trace, "embed -> L2.H0.?", metric=METRICS[name], source=other)
    patched = [
        ls.run(model, prompt, [ls.patch("embed", ls.run(model, there), reader="L2.H0.K")])
        for prompt, there in zip(prompts, others, strict=True)
    ]
    after = torch.cat([measure(METRICS["built in"], run, run) for run in patched])
    expected = after.mean() - measure(METRICS["built in"], trace, trace).mean()
    assert float(wires.sel(reader="L2.H0.K").change) == pytest.approx(float(expected), rel=1e-9)


def test_what_cannot_be_swept_over_writers_is_refused() -> None:
    trace = ls.run(tiny(Kind("learned", "layer", True)), [[3, 1, 4], [2, 7]])
    metric = METRICS["built in"]
    refusal(lambda: ls.experiments.sweep(trace, "L*.H*", metric=metric, at="each"), Undefined, "one length")
    refusal(
        lambda: ls.experiments.sweep(trace, "L*.H*", metric=metric, by="zero", source=trace),
        BadRequest,
        "without source=",
    )
    refusal(
        lambda: ls.experiments.sweep(trace, "L*.H*", metric=lambda logits: logits[0]),
        BadRequest,
        "one number for each prompt",
    )
    refusal(lambda: ls.metrics.kl(at=-1)(trace), BadRequest, "metric(trace, intact)")
