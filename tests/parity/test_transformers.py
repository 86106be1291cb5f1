"""Folders of every family, as `transformers` writes them: logits, patterns and streams are the reference's own.

Weights are float64 and the reference's inner roundings to float32 are taken out (tests/reference_models.py), so that
agreement is to 1e-8 of the size of what is compared; left in, it is to 1e-5.
"""

import json
import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from dense import biases_by_units, loaded_by_units
from reference_models import SHAPES, Shape, exact, opened, outputs, reference, save
from tiny import uncapped
from torch import Tensor

from loadstore.checkpoints.library import load
from loadstore.decomposition.decomposition import reader_parts, score_parts
from loadstore.decomposition.logits import logit_parts, residual_parts
from loadstore.decomposition.outputs import output_parts
from loadstore.decomposition.walk import walk
from loadstore.execution.run import run
from loadstore.execution.trace import Trace
from loadstore.model.weights import Weights
from loadstore.model.wiring import wiring

OTHER_LENGTHS = [(1, 1), (3, 7)]
FIRST = list({shape.kind: shape for shape in reversed(SHAPES)}.values())
# What is decomposed is one model like another: one of each family.
one_of_each_family = pytest.mark.parametrize("pair", FIRST, ids=str, indirect=True)


@dataclass(frozen=True)
class Pair:
    """One model twice: theirs, and ours loaded from the folder that they wrote."""

    shape: Shape
    theirs: Any
    folder: Path
    ours: Weights

    def tokens(self, batch: int, length: int) -> Tensor:
        generator = torch.Generator().manual_seed(batch)
        return torch.randint(self.ours.architecture.vocab, (batch, length), generator=generator)


@pytest.fixture(scope="module", params=SHAPES, ids=str)
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Pair:
    theirs = reference(request.param)
    folder = save(theirs, tmp_path_factory.mktemp("model") / request.param.name)
    return Pair(request.param, theirs, folder, load(folder))


@pytest.fixture(scope="module")
def trace(pair: Pair) -> Trace:
    return run(pair.ours, pair.tokens(2, 20), record=True)


def assert_close(found: Tensor, expected: Tensor, tolerance: float = 1e-8) -> None:
    assert found.shape == expected.shape
    assert float((found - expected).abs().max()) < tolerance * float(expected.abs().max())


def test_every_family_has_three_shapes_or_more() -> None:
    kinds = [shape.kind for shape in SHAPES]
    assert {kind: kinds.count(kind) >= 3 for kind in kinds} == dict.fromkeys(kinds, True)


@pytest.mark.parametrize(("batch", "length"), [(2, 20)])
def test_logits_patterns_and_streams_are_those_of_the_reference(pair: Pair, batch: int, length: int) -> None:
    assert_parity(pair, batch, length)


def test_and_so_they_are_at_other_lengths(pair: Pair) -> None:
    for batch, length in OTHER_LENGTHS:
        assert_parity(pair, batch, length)


def assert_parity(pair: Pair, batch: int, length: int) -> None:
    tokens = pair.tokens(batch, length)
    with exact(pair.theirs):
        logits, patterns, streams = outputs(pair.theirs, tokens)
    trace = run(pair.ours, tokens, record=True)
    assert pair.ours.dtype == torch.float64
    assert_close(trace.logits, logits)
    assert_close(run(pair.ours, tokens).logits, logits)
    for head in pair.ours.architecture.heads:
        assert_close(trace.pattern(head), patterns[head.layer][:, head.index])
    for layer, stream in enumerate(streams):
        assert_close(trace.residual(layer), stream)


@one_of_each_family
def test_with_the_roundings_of_the_reference_left_in_they_are_close(pair: Pair) -> None:
    tokens = pair.tokens(2, 20)
    assert_close(run(pair.ours, tokens).logits, outputs(pair.theirs, tokens)[0], 1e-5)


@one_of_each_family
def test_a_short_prompt_has_the_logits_of_a_long_one_it_begins(pair: Pair, trace: Trace) -> None:
    assert_close(run(pair.ours, trace.tokens[:, :6]).logits, trace.logits[:, :6], 1e-12)


@one_of_each_family
def test_the_stream_is_the_sum_of_what_was_stored(trace: Trace) -> None:
    shape = trace.weights.architecture
    for layer in range(shape.n_layers + 1):
        stores = [trace.written(w) for w in wiring(trace.weights).writers if w.layer < layer]
        assert_close(torch.stack(stores).sum(0), trace.residual(layer), 1e-10)


def inside(trace: Trace, layer: int) -> Tensor:
    """What an MLP reads: its normed input times W_in beside W_gate, by the reference's formula."""
    weights, mlp = trace.weights, trace.weights.layers[layer].mlp
    parallel = weights.architecture.mlp.parallel
    stores = [trace.written(w) for w in wiring(weights).writers if w.layer == layer and w.kind in ("head", "bias")]
    x = trace.residual(layer) + (0 if parallel else torch.stack(stores).sum(0))
    if mlp.norm is not None and mlp.norm.centres:
        x = torch.nn.functional.layer_norm(x, x.shape[-1:], mlp.norm.gain, mlp.norm.bias, weights.architecture.eps)
    elif mlp.norm is not None:
        x = torch.nn.functional.rms_norm(x, x.shape[-1:], mlp.norm.gain, weights.architecture.eps)
    if mlp.experts is not None:
        return x @ loaded_by_units(mlp) + biases_by_units(mlp)
    parts = [(mlp.W_in, mlp.b_in)] + ([] if mlp.W_gate is None else [(mlp.W_gate, mlp.b_gate)])
    return torch.cat([x @ W + (0 if b is None else b) for W, b in parts], -1)


@one_of_each_family
def test_what_every_reader_reads_is_the_sum_over_its_writers_and_const(trace: Trace) -> None:
    for reader in wiring(trace.weights).readers:
        if reader.is_unembed:
            read = uncapped(trace.weights, trace.all_logits)
        elif reader.is_mlp:
            read = inside(trace, reader.layer)
        else:
            layer = trace.record.layers[reader.layer]
            read = {"Q": layer.q, "K": layer.k, "V": layer.v}[reader.side][:, :, reader.index]
        assert_close(torch.stack(list(reader_parts(trace, reader).values())).sum(0), read, 1e-10)


@one_of_each_family
def test_scores_are_the_bilinear_sum_over_writers(trace: Trace) -> None:
    for head in (trace.weights.architecture.heads[0], trace.weights.architecture.heads[-1]):
        parts = score_parts(trace, head).sum(["query_writer", "key_writer"])
        assert_close(torch.from_numpy(parts.transpose("batch", "query", "key").values), trace.scores(head), 1e-10)


@one_of_each_family
def test_the_sums_and_shares_of_an_address_leave_nothing_over(pair: Pair) -> None:
    trace, at = run(pair.ours, pair.tokens(1, 12)[0], record=True), 9
    head, depth = pair.ours.architecture.heads[-1], pair.ours.architecture.n_layers
    alone = pair.ours.architecture.window(head.layer) == 1
    for about in ("most", "row"):
        found = walk(trace, head, at, about=about)
        assert found.address.undefined.keys() == ({"Q", "K"} if alone else set())
        for side in {"Q", "K", "V"} - found.address.undefined.keys():
            assert abs(found.address.remainder[side]) < 1e-10
            assert abs(math.fsum(found.address.shares[side].values()) - 1) < 1e-10
        assert abs(found.parts.attrs["remainder"]) <= 1e-10 * float(abs(found.parts).max())
    sums = (
        logit_parts(trace, at, 3),
        logit_parts(trace, at, 3, against=5, by_source=True),
        score_parts(trace, head, at, 4),
        output_parts(trace, head, at),
        residual_parts(trace, depth, at),
    )
    for parts in sums:
        assert abs(parts.attrs["remainder"]) < 1e-10 * float(abs(parts).max())


def named(name: str) -> Shape:
    return next(one for one in SHAPES if one.name == name)


STORED = {"gpt2-untied-inner", "neox-parallel-quarter", "llama3-one-key-head-tied", "qwen3-groups-of-two", "phi-half"}


WAYS = [  # each way with two shapes or more; names without a prefix are a family's own
    (shape, way)
    for i, shape in enumerate(one for one in SHAPES if one.name in STORED)
    for j, way in enumerate(["shards", "bin", "one file", "no prefix"])
    if way == "no prefix" or (i + j) % 2 == 0
]


@pytest.mark.parametrize(("shape", "way"), WAYS, ids=str)
def test_however_a_model_is_stored_its_logits_are_the_same(shape: Shape, way: str, tmp_path: Path) -> None:
    theirs = reference(shape)
    folder = save(theirs, tmp_path / "model", max_shard_size="20KB" if way == "shards" else "5GB")
    path = folder
    if way == "shards":
        index = json.loads((folder / "model.safetensors.index.json").read_text())
        assert len(set(index["weight_map"].values())) > 2
    if way in ("bin", "no prefix"):
        (folder / "model.safetensors").unlink()
        tensors = theirs.state_dict()
        if way == "no prefix":
            tensors = {name.removeprefix(f"{theirs.base_model_prefix}."): one for name, one in tensors.items()}
        torch.save(tensors, folder / "pytorch_model.bin")
    if way == "one file":
        path = folder / "model.safetensors"
    ours = load(path)
    tokens = torch.arange(18)
    with exact(theirs):
        logits = outputs(theirs, tokens[None])[0][0]
    assert_close(run(ours, tokens).logits, logits)


HALVES = [("gpt2-tied", torch.float16), ("neox-half-tied", torch.bfloat16)]
HALVES += [("llama-linear-biases", torch.float16), ("qwen3-groups-of-two", torch.bfloat16)]


@pytest.mark.parametrize(("name", "dtype"), HALVES, ids=str)
def test_half_precision_files_compute_in_float32(name: str, dtype: torch.dtype, tmp_path: Path) -> None:
    folder = save(reference(named(name)).to(dtype), tmp_path / "model")
    ours, tokens = load(folder), torch.arange(18)
    assert ours.layers[0].W_Q.dtype == dtype
    assert ours.dtype == torch.float32
    assert_close(run(ours, tokens).logits, outputs(opened(folder), tokens[None])[0][0], 1e-4)


def test_attention_that_is_reordered_and_widened_is_the_same_attention(tmp_path: Path) -> None:
    shape = named("gpt2-tied")
    theirs = reference(replace(shape, facts=shape.facts | {"reorder_and_upcast_attn": True})).float()
    ours, tokens = load(save(theirs, tmp_path / "model")), torch.arange(18)
    assert_close(run(ours, tokens).logits, outputs(theirs, tokens[None])[0][0], 1e-5)
