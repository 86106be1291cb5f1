"""Scores are continued only for the same question about the same model, from an undamaged file; none is ever lost."""

import io
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import xarray as xr
from tiny import KINDS, tiny
from torch import Tensor

from loadstore.errors import BadRequest
from loadstore.model.weights import Weights
from loadstore.scores import resume
from loadstore.scores.resume import KIND, NotSaved
from loadstore.scores.scores import subspace_scores
from loadstore.sealed import seal

DAMAGES = 120


class Stopped(Exception):
    """A run that ends before it is done."""


@pytest.fixture(scope="module")
def model() -> Weights:
    return tiny(next(kind for kind in KINDS if kind.norm == "layer" and kind.biases))


def interrupted(model: Weights, file: Path, **options: Any) -> bytes:
    """Stop a run after its first wires, and return what it kept."""

    def stop(done: int, of: int) -> None:
        raise Stopped

    with pytest.raises(Stopped):
        subspace_scores(model, readers="L1.*", resume=file, progress=stop, **options)
    return file.read_bytes()


def one_bit(model: Weights, name: str) -> Weights:
    """The model with the lowest bit of one number of one tensor changed."""
    wanted = dict(model.named())[name]

    def change(tensor: Tensor) -> Tensor:
        if tensor is not wanted:
            return tensor
        copy = tensor.clone()
        copy.view(-1).view(torch.int32)[copy.numel() // 2] ^= 1
        return copy

    return model.map(change)


def wide(columns: int) -> Weights:
    """A model whose W_Q has more numbers than the old fingerprint took, of which it saw every 576th."""
    model = tiny(next(kind for kind in KINDS if kind.norm == "none"))
    layer = model.layers[1]
    W_Q = layer.W_Q.clone()
    W_Q[0, 1, 1 : 1 + columns] += 0.25
    return replace(model, layers=(model.layers[0], replace(layer, W_Q=W_Q), *model.layers[2:]))


def test_scores_of_a_model_that_differs_anywhere_are_not_taken(
    model: Weights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On the old code a fingerprint of few samples missed the edit, as it did at GPT-2's size."""
    monkeypatch.setattr(resume, "SAMPLES", 4, raising=False)
    file = tmp_path / "scores.npz"
    kept = interrupted(wide(0), file)
    for columns in (1, 2):
        with pytest.raises(BadRequest, match="other weights"):
            subspace_scores(wide(columns), readers="L1.*", resume=file)
    kept = interrupted(model, tmp_path / "b.npz")
    for name, _ in model.named():
        with pytest.raises(BadRequest, match=r"other weights .*; delete it to start again, or name another file"):
            subspace_scores(one_bit(model, name), readers="L1.*", resume=tmp_path / "b.npz")
    assert (tmp_path / "b.npz").read_bytes() == kept


def test_another_question_is_refused(model: Weights, tmp_path: Path) -> None:
    file = tmp_path / "scores.npz"
    counts = torch.arange(1, model.architecture.vocab + 1)
    interrupted(model, file, frequencies=counts)
    others: list[dict[str, Any]] = [
        *({"norms": "ignore"}, {"readers": "L1.*.K"}, {"control": "reversed"}, {"frequencies": None}),
        {"frequencies": counts.flip(0)},
    ]
    for other in others:
        with pytest.raises(BadRequest, match="other options"):
            subspace_scores(model, **({"readers": "L1.*", "frequencies": counts} | other), resume=file)


def test_the_file_goes_when_all_is_done(model: Weights, tmp_path: Path) -> None:
    file = tmp_path / "scores.npz"
    interrupted(model, file)
    whole = subspace_scores(model, readers="L1.*", resume=file)
    xr.testing.assert_identical(whole, subspace_scores(model, readers="L1.*"))
    assert list(tmp_path.iterdir()) == []


def damages(content: bytes, count: int, seed: int) -> list[bytes]:
    """Bits flipped, ends cut off, stretches zeroed."""
    chance = random.Random(seed)
    found: list[bytes] = []
    while len(found) < count:
        at, data = chance.randrange(len(content)), bytearray(content)
        match chance.randrange(3):
            case 0:
                data[at] ^= 1 << chance.randrange(8)
            case 1:
                del data[at:]
            case _:
                end = min(len(data), at + chance.randrange(1, 600))
                data[at:end] = bytes(end - at)
        if bytes(data) != content:
            found.append(bytes(data))
    return found


def test_no_damaged_file_is_continued(model: Weights, tmp_path: Path) -> None:
    file = tmp_path / "scores.npz"
    for damaged in damages(interrupted(model, file), DAMAGES, 0):
        file.write_bytes(damaged)
        with pytest.raises(BadRequest, match=r"holds no scores to resume from .*; delete it to start again"):
            subspace_scores(model, readers="L1.*", resume=file)
        assert file.read_bytes() == damaged


def archive(save: Callable[..., None], **arrays: Any) -> bytes:
    buffer = io.BytesIO()
    save(buffer, **arrays)
    return seal(KIND, buffer.getvalue()) + buffer.getvalue()


def test_a_file_that_swells_or_that_runs_is_refused_under_a_seal_too(model: Weights, tmp_path: Path) -> None:
    file = tmp_path / "scores.npz"
    file.write_bytes(archive(np.savez_compressed, done=np.zeros(10_000_000), question=np.array("x")))
    with pytest.raises(BadRequest, match="larger than the answer"):
        subspace_scores(model, resume=file)
    file.write_bytes(archive(np.savez, done=np.array([print], dtype=object), question=np.array("x")))
    with pytest.raises(BadRequest, match="holds no scores"):
        subspace_scores(model, resume=file)


def test_a_disk_that_fills_up_costs_no_score(model: Weights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, *data: bytes) -> None:
        raise BadRequest(f"{path} cannot be written: No space left on device")

    monkeypatch.setattr(resume, "write_whole", full)
    monkeypatch.setattr(resume, "EVERY", -1.0)
    with pytest.warns(NotSaved, match="the scores so far were not saved: .*No space left"):
        found = subspace_scores(model, readers="L1.*", resume=tmp_path / "scores.npz")
    xr.testing.assert_identical(found, subspace_scores(model, readers="L1.*"))


def test_an_interrupt_on_a_full_disk_is_still_an_interrupt(
    model: Weights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, *data: bytes) -> None:
        raise BadRequest("full")

    monkeypatch.setattr(resume, "write_whole", full)

    def stop(done: int, of: int) -> None:
        raise Stopped

    with pytest.warns(NotSaved), pytest.raises(Stopped):
        subspace_scores(model, resume=tmp_path / "a.npz", progress=stop)


def test_a_place_that_takes_no_file_is_refused_before_the_work(model: Weights, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "aim")
    for place in (tmp_path / "none" / "a.npz", tmp_path / "link", tmp_path, tmp_path / ("a" * 300)):
        with pytest.raises(BadRequest):
            subspace_scores(model, resume=place, progress=lambda done, of: pytest.fail("it worked first"))
