"""NaN and infinities are found in files of every size: in large ones where a tensor is first used."""

import re
from pathlib import Path

import pytest
import torch
from depth import deep
from each import each
from reference_models import SHAPES, reference, save
from safetensors.torch import load_file, save_file

from loadstore.checkpoints import library
from loadstore.checkpoints.library import load
from loadstore.errors import BadCheckpoint
from loadstore.execution.run import run
from loadstore.model.finite import is_finite
from loadstore.scores.scores import subspace_scores

FAMILIES = {shape.kind: shape for shape in SHAPES}


@each("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.float8_e4m3fn])
def test_one_wrong_number_anywhere_is_found(dtype: torch.dtype) -> None:
    plain = torch.randn(7, 65, 9, generator=torch.Generator().manual_seed(0)).to(dtype)
    for view in (plain, plain.mT, plain[1:3, ::2], plain[..., 3], plain.permute(2, 0, 1)):
        assert is_finite(view)
    for value in (float("nan"), float("inf"), -float("inf")) if dtype.itemsize > 1 else (float("nan"),):
        for at in ((0, 0, 0), (6, 64, 8), (3, 17, 5)):
            wrong = plain.clone()
            wrong[at] = value
            assert not any(map(is_finite, (wrong, wrong.mT, wrong.permute(2, 0, 1), wrong[at[0]], wrong[:, at[1]])))
    assert is_finite(plain[:0])
    assert is_finite(torch.arange(3))


@each("name", FAMILIES)
def test_a_large_file_is_looked_through_where_it_is_used(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every tensor in turn (by day every third), of the first layer none and of experts those of one.

    The size from which a file counts as large is lowered to 0.
    """
    monkeypatch.setattr(library, "CHECKED", 0)
    folder = save(reference(FAMILIES[name]), tmp_path / name)
    file = folder / "model.safetensors"
    whole = load_file(file)
    run(load(folder), torch.tensor([[0, 1, 2]]))
    for number, (tensor, value) in list(enumerate(whole.items()))[:: deep(1, usual=3)]:
        if not value.is_floating_point() or ".0." in tensor or re.search(r"experts\.[1-9]", tensor):
            continue
        wrong = value.clone()
        unused = 2 * value.shape[-1] if "embed_positions" in tensor else 0  # rows of OPT that stand for no position
        wrong.view(-1)[(unused + number) % wrong.numel()] = float("nan") if number % 2 else float("inf")
        save_file(whole | {tensor: wrong}, file)
        with pytest.raises(BadCheckpoint, match=rf"'{tensor}' has NaN or infinite entries; .*download it again"):
            _whole_vocabulary(folder)


def _whole_vocabulary(folder: Path) -> None:
    """Load a model, which looks at gains that Gemma adds 1 to, and run it on every token."""
    model = load(folder)
    run(model, torch.arange(model.architecture.vocab)[None, : model.architecture.context])


def test_scores_look_too_and_only_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "CHECKED", 0)
    folder = save(reference(FAMILIES["llama"]), tmp_path / "llama")
    file, name = folder / "model.safetensors", "model.layers.1.mlp.down_proj.weight"
    looked: list[int] = []
    monkeypatch.setattr(
        "loadstore.model.finite.is_finite", lambda tensor: looked.append(tensor.numel()) or is_finite(tensor)
    )
    model = load(folder)
    assert looked == []
    first = subspace_scores(model, writers="L1.mlp")
    before = len(looked)
    assert before > 0
    again = subspace_scores(model, writers="L1.mlp")
    assert len(looked) == before
    assert first.identical(again)
    whole = load_file(file)
    whole[name][3, 2] = float("nan")
    save_file(whole, file)
    with pytest.raises(BadCheckpoint, match=name):
        subspace_scores(load(folder), writers="L1.mlp", readers="unembed")
