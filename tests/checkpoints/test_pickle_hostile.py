"""Pickled checkpoints: nothing in them is run, and nothing but a dict of tensors is taken."""

import io
import os
import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from each import each
from fuzz import bounded
from hostile import legacy_state, outcome, refusal, same, small
from torch import Tensor, nn

from loadstore.checkpoints.checkpoint import read_checkpoint
from loadstore.checkpoints.library import load
from loadstore.errors import BadCheckpoint, LoadstoreError
from loadstore.execution.run import run


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "model.pth"


class Harm:
    """Unpickling this runs a command."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, (f"touch {self.trace}",)


@pytest.mark.parametrize("how", ["plain", "torch", "torch-legacy", "nested"])
def test_a_pickle_that_would_run_a_command_runs_nothing(path: Path, tmp_path: Path, how: str) -> None:
    trace = tmp_path / "executed"
    harm = Harm(trace)
    if how == "plain":
        path.write_bytes(pickle.dumps(harm))
    elif how == "nested":
        torch.save({**legacy_state(small()), "extra": [harm]}, path)
    else:
        torch.save(harm, path, _use_new_zipfile_serialization=how == "torch")
    refusal(lambda: load(path, positions="learned"), BadCheckpoint, path, "nothing was executed", "safetensors")
    assert not trace.exists()
    pickle.loads(pickle.dumps(harm))
    assert trace.exists()  # so it would have


def test_what_is_no_dict_of_tensors(path: Path) -> None:
    torch.save([torch.zeros(2)], path)
    refusal(lambda: load(path), BadCheckpoint, path, "a list, expected a dict of tensors")
    torch.save(torch.zeros(2), path)
    refusal(lambda: load(path), BadCheckpoint, path, "a Tensor, expected a dict of tensors")
    torch.save({"model": legacy_state(small()), "step": 3}, path)
    refusal(lambda: load(path), BadCheckpoint, path, "no tensors at its top level", "state dict itself")
    torch.save({}, path)
    refusal(lambda: load(path), BadCheckpoint, path, "no tensors")


@pytest.mark.parametrize("zipped", [True, False])
def test_a_file_cut_short_at_any_length(path: Path, zipped: bool) -> None:
    torch.save(legacy_state(small()), path, _use_new_zipfile_serialization=zipped)
    content = path.read_bytes()
    for length in [*range(0, 12), *range(12, len(content), 211), len(content) - 1]:
        path.write_bytes(content[:length])
        refusal(lambda: load(path, positions="learned"), BadCheckpoint, path)


@pytest.mark.parametrize("zipped", [True, False])
def test_flipped_bytes_never_raise_anything_else(path: Path, zipped: bool) -> None:
    torch.save(legacy_state(small()), path, _use_new_zipfile_serialization=zipped)
    content = path.read_bytes()
    for at in range(0, len(content), 61):
        flipped = bytearray(content)
        flipped[at] ^= 0xFF
        path.write_bytes(flipped)
        found = outcome(lambda: load(path, positions="learned"))
        assert not isinstance(found, LoadstoreError) or str(path) in str(found)


@each("content", [b"", b"\x80", b"hello\n", b"PK\x03\x04", b"\x80\x02.", b"(" * 10_000, b"\x80\x04N."])
def test_files_of_another_kind(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    refusal(lambda: load(path), BadCheckpoint, path)


def test_a_zip_that_unpacks_to_more_than_itself(path: Path) -> None:
    stored = io.BytesIO()
    torch.save(legacy_state(small()), stored)
    with zipfile.ZipFile(stored) as whole, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for entry in whole.infolist():
            packed.writestr(entry.filename, whole.read(entry))
        packed.writestr("archive/data/bomb", b"\0" * 10_000_000)
    refusal(lambda: load(path, positions="learned"), BadCheckpoint, path, "would unpack from", "safetensors")


def test_a_tensor_that_claims_more_than_the_file_holds(path: Path) -> None:
    torch.save({**legacy_state(small()), "embed.W_E": torch.zeros(1).expand(1 << 20, 1 << 15)}, path)
    assert path.stat().st_size < 100_000
    refusal(
        lambda: load(path, positions="learned"), BadCheckpoint, path, "'embed.W_E'", "more entries than the file holds"
    )


def odd(value: Tensor) -> list[Tensor]:
    return [value.to_sparse(), value.to("meta"), value.to(torch.complex64), value.int()]


@pytest.mark.parametrize("index", range(4))
def test_tensors_that_are_not_dense_numbers(path: Path, index: int) -> None:
    state = legacy_state(small())
    torch.save({**state, "embed.W_E": odd(state["embed.W_E"])[index]}, path)
    refusal(lambda: load(path, positions="learned"), BadCheckpoint, path, "'embed.W_E'", "dense floating point")


def test_parameters_transposed_views_and_shared_tensors_are_taken(path: Path) -> None:
    model = small()
    state: OrderedDict[object, object] = OrderedDict(legacy_state(model))
    state["embed.W_E"] = nn.Parameter(model.W_E)
    state["unembed.W_U"] = model.W_U.T.contiguous().T
    state["blocks.0.attn.mask"] = torch.ones(10, 10, dtype=torch.bool)
    state["blocks.0.attn.IGNORE"] = torch.tensor(-1e5)
    state["step"] = 7
    torch.save(state, path)
    found = load(path, positions="shortformer")
    assert not found.W_E.requires_grad
    assert same(found, type(model)(**{**vars(model), "name": "model", "tokens": None}))


def test_a_large_pickled_file_is_mapped_and_not_read(path: Path) -> None:
    torch.save({"large": torch.arange(32 << 20, dtype=torch.float32)}, path)
    with bounded(32 << 20):  # of 128 MB
        large = read_checkpoint(path).tensors["large"]
        assert large[::10_000_000].tolist() == [0, 1e7, 2e7, 3e7]


def test_an_archive_with_a_compressed_part_is_not_mapped(path: Path) -> None:
    stored, noise = io.BytesIO(), torch.frombuffer(bytearray(os.urandom(5000)), dtype=torch.uint8)
    torch.save({"noise": noise}, stored)
    with zipfile.ZipFile(stored) as whole, zipfile.ZipFile(path, "w") as packed:
        for entry in whole.infolist():
            how = zipfile.ZIP_DEFLATED if entry.filename.endswith("data/0") else zipfile.ZIP_STORED
            packed.writestr(entry.filename, whole.read(entry), how)
    assert torch.equal(read_checkpoint(path).tensors["noise"], noise)


def test_mixed_number_formats_run_in_the_widest(path: Path) -> None:
    state = legacy_state(small())
    torch.save({**state, "embed.W_E": state["embed.W_E"].double(), "unembed.W_U": state["unembed.W_U"].half()}, path)
    found = load(path, positions="shortformer")
    assert found.dtype == torch.float64
    assert run(found, [1, 2, 3]).logits.dtype == torch.float64
