"""Named tensors with their config, the input of every family. Nothing from a file is executed."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from loadstore.checkpoints.shards import INDEXES, is_index, read_shards
from loadstore.checkpoints.tensorfile import PACKED, SUFFIXES, read_tensors
from loadstore.errors import BadCheckpoint, NotThisModel
from loadstore.jsonfile import json_object, parsed
from loadstore.model.architecture import Architecture
from loadstore.model.mixture import as_mixture
from loadstore.model.mlp_facts import as_mlp
from loadstore.model.rotary import as_rotary
from loadstore.quote import quote, some

COMMON = ("model", "model_final", "pytorch_model", *(name.removesuffix(".json") for name in INDEXES))
USUAL = ("model.safetensors", INDEXES[0], "pytorch_model.bin", INDEXES[1])  # in the order of Hugging Face
LISTS = ("windows", "unturned", "slopes")  # facts with a number for each layer or head, or for some
FORMATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


@dataclass(frozen=True)
class Checkpoint:
    """Named tensors of one file or of all shards, text metadata, and the config inside the file or next to it."""

    path: Path
    tensors: dict[str, Tensor]
    metadata: dict[str, str]
    config: dict[str, Any] | None

    @property
    def name(self) -> str:
        """The model's name: that of the file, or of its folder if the file has a generic name."""
        return self.path.parent.name if self.path.stem in COMMON else self.path.stem

    def stored(self, name: str, *shape: int) -> Tensor:
        """Return a tensor of an expected shape as stored in the file. Raises BadCheckpoint."""
        if name not in self.tensors:
            raise BadCheckpoint(
                f"{self.path} has no tensor '{quote(name)}', expected {list(shape)}; it has "
                f"{some(sorted(self.tensors))}; download it again, or the config that belongs to it"
            )
        tensor = self.tensors[name]
        if tuple(tensor.shape) != shape:
            raise BadCheckpoint(
                f"{self.path}: tensor '{quote(name)}' is {list(tensor.shape)}, expected {list(shape)}; the file and "
                "its config belong to different models; download both again"
            )
        if tensor.dtype not in FORMATS or tensor.layout != torch.strided or tensor.device.type != "cpu":
            kind = tensor.dtype if tensor.layout == torch.strided else tensor.layout
            raise BadCheckpoint(
                f"{self.path}: tensor '{quote(name)}' holds {kind} on {tensor.device.type}, expected dense "
                "floating point of 16, 32 or 64 bits; convert it and save it again"
            )
        return tensor.detach()

    def take(self, name: str, *shape: int) -> Tensor:
        """Return a finite copy of a tensor of an expected shape, widened to at least float32. Raises BadCheckpoint.

        It is a copy so that rewriting the file cannot change a model that was read before.
        """
        tensor = self.stored(name, *shape)
        kind = torch.promote_types(tensor.dtype, torch.float32)
        wide = tensor.to(kind, copy=True, memory_format=torch.contiguous_format)
        if not bool(torch.isfinite(wide).all()):
            bad = int((~torch.isfinite(wide)).sum())
            raise BadCheckpoint(
                f"{self.path}: tensor '{quote(name)}' has {bad} NaN or infinite entries; the file is damaged or its "
                "training diverged; download it again"
            )
        return wide

    def bias(self, name: str, *shape: int) -> Tensor | None:
        """Take a bias; None if it is missing or all zeros, since a zero bias would only add idle wires."""
        taken = self.take(name, *shape) if name in self.tensors else None
        return None if taken is None or not bool(taken.any()) else taken

    def dimension(self, name: str, axis: int) -> int:
        """One size of a tensor. Raises BadCheckpoint if the tensor is missing or has fewer axes."""
        if name not in self.tensors or self.tensors[name].dim() <= axis:
            raise BadCheckpoint(f"{self.path} has no tensor '{quote(name)}' with {axis + 1} or more axes")
        return int(self.tensors[name].shape[axis])

    def architecture(self, facts: dict[str, Any]) -> Architecture:
        """Return the Architecture of these facts. Raises NotThisModel, with the file's name, if they are impossible."""
        try:
            parts: dict[str, Any] = dict(facts)
            parts |= {name: tuple(facts[name]) for name in LISTS if isinstance(facts.get(name), list)}
            parts |= {name: as_rotary(facts[name]) for name in ("rotary", "local_rotary") if name in facts}
            parts |= {"mlp": as_mlp(facts.get("mlp")), "experts": as_mixture(facts.get("experts"))}
            return Architecture(**parts)
        except NotThisModel as error:
            raise NotThisModel(f"{self.path}: {error}") from None
        except TypeError as error:
            raise BadCheckpoint(f"{self.path}: the header does not describe a model ({quote(error)})") from None


def read_checkpoint(path: Path) -> Checkpoint:
    """Read a file, the shards of an index, or a folder's model, with its config.json. Raises BadCheckpoint."""
    if path.is_dir():
        return read_checkpoint(_model_of(path))
    if not is_index(path) and path.suffix not in SUFFIXES:
        raise BadCheckpoint(f"{path} does not end in {', '.join(SUFFIXES)}, so it is not read as a model")
    if not path.is_file():
        raise BadCheckpoint(f"{path} is neither a file nor a folder; name a model file")
    tensors, metadata = (read_shards(path), {}) if is_index(path) else read_tensors(path)
    if not tensors:
        raise BadCheckpoint(f"{path} holds no tensors at its top level; save the model's state dict itself")
    return Checkpoint(path, tensors, metadata, _config(path, metadata))


def _model_of(folder: Path) -> Path:
    """The model file or index of a folder: the usual name, else the only one; safetensors take precedence."""
    try:
        names = {file.name for file in folder.iterdir() if file.is_file()}
    except OSError as error:
        raise BadCheckpoint(f"the folder {folder} cannot be listed ({quote(error)})") from None
    for usual in USUAL:
        if usual in names:
            return folder / usual
    files = sorted(folder / name for name in names if name.endswith((*SUFFIXES, PACKED)))
    safe = {file.stem for file in files if file.suffix == SUFFIXES[0]}
    files = [file for file in files if file.suffix == SUFFIXES[0] or file.stem not in safe]
    if len(files) != 1:
        held = f" ({some([file.name for file in files])})" if files else ""
        raise BadCheckpoint(
            f"the folder {folder} holds {len(files)} model files{held}, expected one of "
            f"{', '.join((*SUFFIXES, PACKED))}; name the file itself, or choose a folder that is a model"
        )
    return files[0]


def _config(path: Path, metadata: dict[str, str]) -> dict[str, Any] | None:
    """The config in the header or next to the file; None if there is neither. Raises BadCheckpoint."""
    beside, remedy = path.parent / "config.json", "correct it, or download the one that belongs to the model"
    if "config" in metadata:
        return parsed(metadata["config"], f"the config of {path}", remedy)
    return json_object(beside, f"the config of {path}", remedy) if beside.is_file() else None
