"""Quantised checkpoints and models with recurrent layers are refused by name, in one line."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from hostile import refusal
from reference_models import SHAPES, library, reference, save
from safetensors.torch import load_file, save_file

from loadstore.checkpoints.families.foreign import RECURRENT
from loadstore.checkpoints.families.table import FAMILIES
from loadstore.checkpoints.library import load
from loadstore.errors import NotThisModel

LLAMA = next(shape for shape in SHAPES if shape.name == "llama-groups-of-two")
NAME = "model.layers.0.mlp.down_proj"
QUANTISED: dict[str, tuple[str, dict[str, torch.Tensor]]] = {
    "fp8": ("fp8", {f"{NAME}.weight": torch.ones(32, 64).to(torch.float8_e4m3fn)}),
    "mxfp4": ("MXFP4", {f"{NAME}_blocks": torch.ones(4, 16, dtype=torch.uint8)}),
    "gptq": ("GPTQ", {f"{NAME}.qweight": torch.ones(4, 16, dtype=torch.int32)}),
    "awq": ("AWQ", {f"{NAME}.qzeros": torch.ones(4, 16, dtype=torch.int32)}),
    "bitsandbytes": ("bitsandbytes", {f"{NAME}.weight.absmax": torch.ones(4)}),
    "compressed-tensors": ("quant_method 'compressed-tensors'", {}),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save(reference(LLAMA), tmp_path_factory.mktemp("model") / "llama")


def copied(folder: Path, to: Path, config: dict[str, Any], tensors: dict[str, torch.Tensor]) -> Path:
    to.mkdir()
    stated = json.loads((folder / "config.json").read_text()) | config
    (to / "config.json").write_text(json.dumps(stated))
    save_file(load_file(folder / "model.safetensors") | tensors, to / "model.safetensors", {"format": "pt"})
    return to


@pytest.mark.parametrize("method", QUANTISED)
def test_a_quantised_file_is_refused_with_its_method(method: str, folder: Path, tmp_path: Path) -> None:
    called, tensors = QUANTISED[method]
    path = copied(folder, tmp_path / "model", {"quantization_config": {"quant_method": method}}, tensors)
    with pytest.raises(NotThisModel) as caught:
        load(path)
    assert f"is quantised ({called}), which loadstore does not read; let transformers dequantise it" in str(
        caught.value
    )
    assert "\n" not in str(caught.value)


def test_a_statement_of_quantisation_beside_plain_numbers_is_passed_over(folder: Path, tmp_path: Path) -> None:
    path = copied(folder, tmp_path / "model", {"quantization_config": {"quant_method": "mxfp4"}}, {})
    assert torch.equal(load(path).W_E, load(folder).W_E)


def test_a_recurrent_model_is_refused_by_name(folder: Path, tmp_path: Path) -> None:
    for kind in ("mamba", "jamba", "recurrent_gemma", "qwen3_next"):
        path = copied(folder, tmp_path / kind, {"model_type": kind}, {})
        refusal(lambda path=path: load(path), NotThisModel, f"model_type '{kind}', a model with state-space")
    assert not RECURRENT & set(FAMILIES)
    assert {kind for kind in RECURRENT if kind.removesuffix("_text") == kind} <= set(library().CONFIG_MAPPING)
