"""The number format and the device that are computed with: asked for at loading, and nothing is copied for it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from close import assert_close
from each import each
from hostile import refusal, small, unchecked
from tiny import FEW, Kind, some_tokens, tiny

from loadstore.checkpoints.families.own import save_weights
from loadstore.checkpoints.library import builtin_path, load
from loadstore.decomposition.decomposition import reader_parts
from loadstore.errors import BadRequest
from loadstore.execution.run import run
from loadstore.scores.moved import moved
from loadstore.scores.scores import subspace_scores


@pytest.fixture
def file(tmp_path: Path) -> Path:
    save_weights(small(), tmp_path / "small.safetensors")
    return tmp_path / "small.safetensors"


@pytest.mark.parametrize("dtype", ["float64", torch.float64])
def test_double_precision_is_asked_for_and_nothing_is_copied(file: Path, dtype: Any) -> None:
    single, double = load(file), load(file, dtype=dtype)
    assert {tensor.dtype for _, tensor in double.named()} == {torch.float32}
    assert double.dtype == torch.float64
    expected = run(small().map(lambda tensor: tensor.double()), [1, 2, 3]).logits
    assert torch.equal(run(double, [1, 2, 3]).logits, expected)
    assert run(single, [1, 2, 3]).logits.dtype == torch.float32
    assert torch.equal(run(single.double(), [1, 2, 3]).logits, expected)
    assert single.double().W_E.data_ptr() == single.W_E.data_ptr()


@pytest.mark.parametrize("kind", FEW, ids=str)
def test_every_part_is_brought_to_it(kind: Kind) -> None:
    """A model stored in three formats runs in the one asked for, to its precision, recorded or not."""
    model = tiny(kind)
    rounded = model.map(lambda tensor: tensor.float() if tensor.ndim > 1 else tensor.half())
    exact = rounded.map(lambda tensor: tensor.double())
    tokens = some_tokens(model)
    logits = run(replace(rounded, computed=torch.float64), tokens, record=True).logits
    assert torch.equal(logits, run(exact, tokens, record=True).logits)
    single = run(replace(exact, computed=torch.float32), tokens).logits
    assert single.dtype == torch.float32
    assert_close(single, logits)


def test_analyses_follow(file: Path) -> None:
    double = load(file, dtype="float64")
    exact = small().map(lambda tensor: tensor.double())
    for mine, theirs in (
        (subspace_scores(double).score, subspace_scores(exact).score),
        (moved(double, "L1.H0", top=3, k=3).norm, moved(exact, "L1.H0", top=3, k=3).norm),
    ):
        assert float(abs(mine - theirs).max()) < 1e-12


@each("dtype", ["float16", torch.bfloat16, "half", "int8", 64, "", "torch.int32"])
def test_other_formats_are_for_storing(dtype: Any) -> None:
    with unchecked():
        refusal(
            lambda: load(dtype=dtype),
            BadRequest,
            "dtype=",
            "'float32' or 'float64'",
            "half precision is for storage only",
        )


@pytest.mark.parametrize("kind", [kind for kind in FEW if not kind.experts], ids=str)  # numbers choose experts
def test_no_tensor_of_the_processor_is_mixed_in(kind: Kind) -> None:
    """On the device `meta` there are no numbers: what is computed with a tensor of another device is an error."""
    model = replace(tiny(kind), device=torch.device("meta"))
    tokens = some_tokens(model)
    for record in (False, True):
        trace = run(model, tokens, record=record)
        assert trace.logits.device.type == "meta"
        assert trace.logits.shape == (*tokens.shape, model.architecture.vocab)
    assert trace.residual(1).is_meta
    assert trace.pattern("L1.H1").is_meta
    parts = reader_parts(trace, "L1.H1.Q")
    assert all(part.is_meta for part in parts.values())


def test_a_device_is_asked_for_and_ids_may_lie_anywhere() -> None:
    elsewhere = replace(load(), device=torch.device("meta"))
    assert run(elsewhere, "the cat").logits.is_meta
    assert not elsewhere.W_E.is_meta  # what is stored stays where it lies
    assert load(device=torch.device("cpu")).device == torch.device("cpu")


def test_a_device_without_numbers() -> None:
    for device in ("meta", torch.device("meta")):
        refusal(lambda device=device: load(device=device), BadRequest, "device='meta'", "use 'cpu'")


@each("device", ["tpu", "cuda:77", "", "xla", 5, None])
def test_a_device_that_is_not_here(device: Any) -> None:
    with unchecked():
        refusal(lambda: load(builtin_path(), device=device), BadRequest, "device=", "use 'cpu'")
