"""Reading tensors from a file that may be torn, corrupt or hostile. Nothing from a file is executed."""

import json
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from loadstore.errors import BadCheckpoint

SUFFIXES = (".safetensors", ".pth", ".pt", ".bin")
MOST_TENSORS = 100_000


@dataclass(frozen=True)
class Checkpoint:
    """Named tensors of one file, its text metadata, and the config found inside or beside it."""

    path: Path
    tensors: dict[str, Tensor]
    metadata: dict[str, str]
    config: dict[str, Any] | None

    def take(self, name: str, *shape: int) -> Tensor:
        """Return a tensor of an expected shape, widened to at least float32, finite. Raises BadCheckpoint."""
        if name not in self.tensors:
            raise BadCheckpoint(f"{self.path} has no tensor {name!r}; it has {_some(sorted(self.tensors))}")
        tensor = self.tensors[name]
        if tuple(tensor.shape) != shape:
            raise BadCheckpoint(f"{self.path}: tensor {name!r} is {list(tensor.shape)}, expected {list(shape)}")
        if not tensor.is_floating_point():
            raise BadCheckpoint(f"{self.path}: tensor {name!r} holds {tensor.dtype}, expected floating point")
        wide = tensor if tensor.dtype == torch.float64 else tensor.float()
        if not bool(torch.isfinite(wide).all()):
            bad = int((~torch.isfinite(wide)).sum())
            raise BadCheckpoint(
                f"{self.path}: tensor {name!r} has {bad} NaN or infinite entries; the file is damaged or the "
                "training that made it diverged, fetch it again"
            )
        return wide.contiguous()

    def dimension(self, name: str, axis: int) -> int:
        """One size of a tensor. Raises BadCheckpoint if the tensor is missing or has fewer axes."""
        if name not in self.tensors or self.tensors[name].dim() <= axis:
            raise BadCheckpoint(f"{self.path} has no tensor {name!r} with {axis + 1} or more axes")
        return int(self.tensors[name].shape[axis])


def read_checkpoint(path: Path) -> Checkpoint:
    """Read a file, or the one model file of a folder with its config.json. Raises BadCheckpoint."""
    if path.is_dir():
        files = sorted(file for file in path.iterdir() if file.suffix in SUFFIXES)
        if len(files) != 1:
            raise BadCheckpoint(
                f"the folder {path} holds {len(files)} model files, expected one of {', '.join(SUFFIXES)}; "
                "name the file itself, or choose a folder that is a model"
            )
        return read_checkpoint(files[0])
    if path.suffix not in SUFFIXES:
        raise BadCheckpoint(f"{path} does not end in {', '.join(SUFFIXES)}, so it is not taken for a model")
    tensors, metadata = _safetensors(path) if path.suffix == ".safetensors" else (_pickled(path), {})
    if not tensors:
        raise BadCheckpoint(f"{path} holds no tensors")
    return Checkpoint(path, tensors, metadata, _config(path, metadata))


def _safetensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    try:
        with safe_open(path, framework="pt") as file:
            names = list(file.keys())
            if len(names) > MOST_TENSORS:
                raise BadCheckpoint(f"{path} claims {len(names)} tensors; at most {MOST_TENSORS} are read")
            return {name: file.get_tensor(name) for name in names}, dict(file.metadata() or {})
    except (SafetensorError, OSError, ValueError, RuntimeError, UnicodeDecodeError) as error:
        raise BadCheckpoint(
            f"{path} cannot be read as safetensors ({error}); it is torn or not one, fetch it again"
        ) from None


def _pickled(path: Path) -> dict[str, Tensor]:
    try:
        loaded: object = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        reason = str(error).split(".", 1)[0]
        raise BadCheckpoint(
            f"{path} asks for code to be run or is not a plain state dict ({reason}); nothing was executed. "
            "Convert it to safetensors where you trust it"
        ) from None
    except (RuntimeError, EOFError, OSError, ValueError, KeyError, AttributeError, TypeError, IndexError) as error:
        raise BadCheckpoint(
            f"{path} cannot be read as a state dict ({error}); it is torn or not one, fetch it again"
        ) from None
    if not isinstance(loaded, dict):
        raise BadCheckpoint(f"{path} holds a {type(loaded).__name__}, expected a dict of tensors")
    return {str(name): value for name, value in loaded.items() if isinstance(value, Tensor)}


def _config(path: Path, metadata: dict[str, str]) -> dict[str, Any] | None:
    beside = path.parent / "config.json"
    try:
        if "config" in metadata:
            found: object = json.loads(metadata["config"])
        elif beside.exists():
            found = json.loads(beside.read_text(encoding="utf-8"))
        else:
            return None
    except (OSError, ValueError, RecursionError) as error:
        raise BadCheckpoint(f"the config of {path} is not JSON ({error})") from None
    if not isinstance(found, dict):
        raise BadCheckpoint(f"the config of {path} is a {type(found).__name__}, expected an object")
    return found


def _some(names: list[str]) -> str:
    return ", ".join(names if len(names) <= 5 else [*names[:5], f"and {len(names) - 5} more"])
