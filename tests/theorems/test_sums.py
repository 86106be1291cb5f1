"""Sums over writers are exact: the stream, every reader's input, scores, outputs and logits, ablated runs too."""

from functools import cache

import numpy as np
import pytest
import torch
from dense import stored_by_units, used_units
from each import each
from hostile import refusal
from pairs import pairs
from tiny import FEW, KINDS, MIXED, MODERN, WITH_POS, Kind, mixed, some_tokens, tiny, uncapped
from torch import Tensor

from loadstore.decomposition.decomposition import reader_parts, score_parts
from loadstore.decomposition.logits import logit_parts, residual_parts
from loadstore.decomposition.outputs import output_parts
from loadstore.decomposition.reading import norm_of
from loadstore.errors import BadRequest, NoSuchSite, Undefined
from loadstore.execution.edits import Edit, ablate, cut
from loadstore.execution.run import run
from loadstore.execution.trace import Trace
from loadstore.model.architecture import NormKind
from loadstore.model.norms import normalise, through_norm
from loadstore.model.wiring import wiring
from loadstore.sites import SIDES, UNEMBED

EDITS: dict[str, list[Edit]] = {
    "intact": [],
    "head, mean": [ablate("L0.H1")],
    "head, zero": [ablate("L1.H2", by="zero")],
    "embed, mean": [ablate("embed"), ablate("L1.H0")],
    "pos, mean": [ablate("pos")],
    "pos, zero": [ablate("pos", by="zero")],
    "mlp, mean": [ablate("L0.mlp")],
    "mlp, zero": [ablate("L1.mlp", by="zero"), ablate("L0.H1")],
}


def is_apart(kind: Kind, name: str) -> bool:
    """Whether an edit says something of its own about a kind."""
    if kind in MODERN:
        return name in ("intact", "head, mean") or (bool(kind.mlp) and name.startswith("mlp"))
    if name.endswith("zero") and not kind.biases:
        return False
    return (kind in WITH_POS or not name.startswith("pos")) and not name.startswith("mlp")


EDITED = [(kind, name) for kind in FEW for name in EDITS if name != "intact" and is_apart(kind, name)]
CASES = [
    *((kind, "intact") for kind in FEW),
    *pairs(EDITED, lambda case: (case[1], case[0].positions, case[0].norm, case[0].mlp, case[0].after)),
]
INTACT = CASES[: len(FEW)]
AT_ONE_PLACE = INTACT + list({name: (kind, name) for kind, name in CASES[len(FEW) :]}.values())  # each edit once


def words(case: tuple[Kind, str]) -> str:
    """A kind and its edits, to name a row."""
    return f"{case[0]}-{case[1]}"


every_case = each("case", CASES, words)
at_one_place = each("case", AT_ONE_PLACE, words)
every_kind = each("kind", FEW, str)


@cache
def trace_of(kind: Kind, edits: str = "intact", *, batched: bool = True) -> Trace:
    model = tiny(kind)
    tokens = some_tokens(model)
    return run(model, tokens if batched else tokens[0], EDITS[edits])


def ablated(edits: str) -> set[str]:
    """The writers that edits replace."""
    return {str(edit.writer) for edit in EDITS[edits]}


def assert_equal(found: Tensor, expected: Tensor) -> None:
    assert found.shape == expected.shape
    assert float((found - expected).abs().max()) < 1e-10 * max(1.0, float(expected.abs().max()))


@every_case
def test_the_stream_is_the_sum_of_what_was_stored_before(case: tuple[Kind, str]) -> None:
    trace = trace_of(*case)
    network = wiring(trace.weights)
    in_stream = [w for w in network.writers if not (w.kind == "pos" and network.shortformer)]
    for layer in range(4):
        parts = [trace.written(writer) for writer in in_stream if writer.layer < layer]
        assert_equal(torch.stack(parts).sum(0), trace.residual(layer))


@every_case
def test_a_side_reads_the_sum_of_its_writers(case: tuple[Kind, str]) -> None:
    trace = trace_of(*case)
    for reader in wiring(trace.weights).readers:
        if reader.is_unembed or reader.is_mlp:
            continue
        layer = trace.record.layers[reader.layer]
        read = {"Q": layer.q, "K": layer.k, "V": layer.v}[reader.side][:, :, reader.index]
        assert_equal(torch.stack(list(reader_parts(trace, reader).values())).sum(0), read)


@every_case
def test_the_logits_are_the_sum_of_all_writers(case: tuple[Kind, str]) -> None:
    trace = trace_of(*case)
    assert_equal(
        torch.stack(list(reader_parts(trace, "unembed").values())).sum(0), uncapped(trace.weights, trace.all_logits)
    )


@each("case", [case for case in CASES if case[0].mlp], words)
def test_an_mlp_reads_the_sum_of_its_writers_and_stores_what_follows_from_it(case: tuple[Kind, str]) -> None:
    trace = trace_of(*case)
    for index, layer in enumerate(trace.weights.layers):
        inside = torch.stack(list(reader_parts(trace, f"L{index}.mlp").values())).sum(0)
        shape = trace.weights.architecture
        stored = used_units(inside, shape, layer.mlp) @ stored_by_units(layer.mlp)
        stored = stored + (0 if layer.mlp.b_out is None else layer.mlp.b_out)
        stored = normalise(stored, layer.mlp.after, shape.eps)[0] * shape.residual_scale
        if f"L{index}.mlp" not in ablated(case[1]):
            assert_equal(stored, trace.written(f"L{index}.mlp"))


@pytest.mark.parametrize(("kind", "last"), MIXED, ids=str)
def test_the_logits_are_their_sum_under_a_last_norm_of_another_kind(kind: Kind, last: NormKind) -> None:
    model = mixed(kind, last)
    trace = run(model, some_tokens(model))
    assert_equal(
        torch.stack(list(reader_parts(trace, "unembed").values())).sum(0), uncapped(trace.weights, trace.all_logits)
    )


@every_kind
def test_a_writer_has_a_part_exactly_where_it_has_a_wire(kind: Kind) -> None:
    trace = trace_of(kind)
    network = wiring(trace.weights)
    for reader in network.readers:
        assert list(reader_parts(trace, reader)) == [*map(str, network.writers_of(reader)), "const"]


@every_case
def test_scores_are_bilinear_sums(case: tuple[Kind, str]) -> None:
    trace = trace_of(*case)
    for head in ("L0.H2", "L1.H1", "L2.H0"):
        parts = score_parts(trace, head).sum(["query_writer", "key_writer"])
        assert_equal(torch.from_numpy(parts.transpose("batch", "query", "key").values), trace.scores(head))


@every_case
def test_softmax_of_the_scores_is_the_pattern_and_no_query_sees_a_later_key(case: tuple[Kind, str]) -> None:
    trace = trace_of(*case)
    for head in trace.weights.architecture.heads:
        scores, pattern = trace.scores(head), trace.pattern(head)
        window = trace.weights.architecture.window(head.layer)
        seen = torch.ones(9, 9).tril() if window is None else torch.ones(9, 9).tril().triu(1 - window)
        cap = trace.weights.architecture.score_cap
        scores = scores if cap is None else cap * (scores / cap).tanh()
        scores = scores.masked_fill(seen == 0, -torch.inf)
        allowed = (scores - scores.amax(-1, keepdim=True)).exp()
        sinks = trace.weights.layers[head.layer].sinks
        sink = 0 if sinks is None else (sinks[head.index] - scores.amax(-1, keepdim=True)).exp()
        assert_equal(allowed / (allowed.sum(-1, keepdim=True) + sink), pattern)


@every_case
def test_an_output_is_the_sum_over_source_tokens_and_writers(case: tuple[Kind, str]) -> None:
    trace = trace_of(*case, batched=False)
    for head in {"L0.H0", "L1.H1", "L2.H2"} - ablated(case[1]):
        for at in (0, 4, 8):
            parts = output_parts(trace, head, at)
            assert_equal(torch.from_numpy(parts.sum(["key", "writer"]).values), trace.written(head)[at])
            assert abs(parts[at + 1 :]).max() == 0 if at < 8 else True


@at_one_place
def test_a_logit_is_the_sum_over_writers(case: tuple[Kind, str]) -> None:
    trace = trace_of(*case, batched=False)
    logits = uncapped(trace.weights, trace.logits)
    for at, token in ((0, 3), (8, 16), (5, 0)):
        parts = logit_parts(trace, at, token)
        assert float(parts.sum()) == pytest.approx(float(logits[at, token]), rel=1e-10, abs=1e-10)


@at_one_place
def test_the_residual_at_a_token_is_the_sum_of_its_stores(case: tuple[Kind, str]) -> None:
    trace = trace_of(*case, batched=False)
    for layer in range(4):
        parts = residual_parts(trace, layer, 6)
        assert_equal(torch.from_numpy(parts.sum("writer").values), trace.residual(layer)[6])
        for writer in parts.writer.values:
            assert_equal(torch.from_numpy(parts.sel(writer=writer).values), trace.written(str(writer))[6])
        assert parts.attrs["remainder"] < 1e-10 * max(1.0, float(trace.residual(layer)[6].abs().max()))


@at_one_place
def test_one_score_is_the_bilinear_sum_at_its_query_and_key(case: tuple[Kind, str]) -> None:
    trace = trace_of(*case, batched=False)
    for head, query, key in (("L0.H1", 3, 3), ("L2.H0", 8, 2), ("L1.H2", -1, 0)):
        parts = score_parts(trace, head, query, key)
        every = score_parts(trace, head).isel(query=query, key=key)
        assert_equal(torch.from_numpy(parts.values), torch.from_numpy(every.values))
        recorded = float(trace.scores(head)[query, key])
        assert parts.attrs["recorded"] == pytest.approx(recorded, rel=1e-12, abs=1e-12)
        assert abs(parts.attrs["remainder"]) < 1e-10 * max(1.0, float(abs(parts).sum()))


@every_kind
def test_a_logit_splits_by_the_tokens_that_heads_took_it_from(kind: Kind) -> None:
    trace = trace_of(kind, batched=False)
    at, token = 6, 3
    split, parts = logit_parts(trace, at, token, by_source=True), logit_parts(trace, at, token)
    assert_equal(torch.from_numpy(split.sum("key").values), torch.from_numpy(parts.values))
    assert abs(split.attrs["remainder"]) < 1e-10 * max(1.0, float(abs(split).sum()))
    for writer, key in zip(*np.nonzero(split.values), strict=True):  # what is no head loads from its own token
        assert key <= at
        assert key == at or ".H" in str(split.writer.values[writer])
    taken = torch.from_numpy(output_parts(trace, "L1.H2", at).sum("writer").values)  # by source token, before the norm
    norm, scale = norm_of(trace, UNEMBED)
    column = trace.weights.W_U[:, token]
    expected = through_norm(taken[None], norm, scale[:, [at] * len(taken)])[0] @ column
    assert_equal(torch.from_numpy(split.sel(writer="L1.H2").values), expected)


@every_kind
def test_an_output_along_a_direction_is_that_of_its_parts(kind: Kind) -> None:
    trace = trace_of(kind, batched=False)
    along = torch.randn(12, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    whole, found = output_parts(trace, "L2.H1", 5), output_parts(trace, "L2.H1", 5, along=along)
    assert list(found.writer.values) == list(whole.writer.values)
    assert_equal(torch.from_numpy(found.values), torch.from_numpy(whole.values) @ along)
    assert max(whole.attrs["remainder"], found.attrs["remainder"]) < 1e-10


def test_a_remainder_shows_what_a_sum_lacks() -> None:
    model = tiny(KINDS[0])
    trace = run(model, some_tokens(model)[0], record=True)
    record = trace.record
    for tensor in (record.final, trace.all_logits, record.layers[1].q, record.layers[1].z):
        tensor += 0.5  # what the run recorded is no longer what its writers stored
    assert residual_parts(trace, 3, 4).attrs["remainder"] > 0.1
    assert abs(logit_parts(trace, 4, 2).attrs["remainder"]) > 0.1
    assert abs(score_parts(trace, "L1.H0", 4, 2).attrs["remainder"]) > 1e-3
    assert output_parts(trace, "L1.H0", 4).attrs["remainder"] > 1e-3


def test_what_cannot_be_summed_is_said() -> None:
    trace = trace_of(KINDS[0], batched=False)
    ablated = run(trace.weights, trace.tokens[0], [ablate("L1.H0")])
    refusal(lambda: score_parts(trace, "L1.H0", query=3), BadRequest, "give both tokens")
    refusal(lambda: score_parts(trace, "L1.H0", 3, 99), Undefined, "no token 99")
    refusal(lambda: score_parts(trace, "L9.H0", 3, 1), NoSuchSite, "Nearest: ", "L2.H0")
    refusal(lambda: residual_parts(trace, 4, 3), NoSuchSite, "expected 0 to 3")
    refusal(lambda: logit_parts(trace, 3, 17), BadRequest, "from 0 to 16", "17")
    refusal(lambda: logit_parts(trace, 3, " on"), Undefined, "tokenizer")
    refusal(lambda: output_parts(trace, "L1.H0", 3, along=torch.ones(5)), BadRequest, "12 numbers", "[5]")
    refusal(lambda: output_parts(ablated, "L1.H0", 3), Undefined, "L1.H0 is ablated")
    refusal(lambda: logit_parts(ablated, 3, 1, by_source=True), Undefined, "L1.H0 is ablated")


@pytest.mark.parametrize("side", SIDES)
def test_const_is_what_a_reader_adds_when_nothing_is_stored(side: str) -> None:
    trace = trace_of(Kind("learned", "layer", True))
    layer = trace.weights.layers[1]
    matrix, bias = {"Q": (layer.W_Q, layer.b_Q), "K": (layer.W_K, layer.b_K), "V": (layer.W_V, layer.b_V)}[side]
    const = reader_parts(trace, f"L1.H2.{side}")["const"]
    assert_equal(const, (bias[2] + layer.norm.bias @ matrix[2]).expand_as(const))


def test_a_run_with_cuts_is_no_sum_and_says_so() -> None:
    with pytest.raises(Undefined, match="cuts"):
        reader_parts(run(tiny(KINDS[0]), [1, 2, 3], [cut("L0.H1", "L1.H0.K")]), "L1.H0.K")


@every_case
def test_recording_changes_no_logit(case: tuple[Kind, str]) -> None:
    kind, edits = case[0], EDITS[case[1]]
    model = tiny(kind)
    tokens = some_tokens(model)
    assert_equal(run(model, tokens, edits, record=True).logits, run(model, tokens, edits).logits)


@every_kind
def test_a_prompt_alone_and_in_a_batch_store_the_same(kind: Kind) -> None:
    batch, alone = trace_of(kind), trace_of(kind, batched=False)
    for writer in wiring(alone.weights).writers:
        assert_equal(alone.written(writer), batch.written(writer)[0])
    assert_equal(alone.logits, batch.logits[0])
