"""The tensors of one file, memory-mapped if the format allows it: safetensors, or a pickled state dict."""

import math
import struct
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from loadstore.checkpoints.pickled import read_pickled
from loadstore.errors import BadCheckpoint
from loadstore.jsonfile import MOST, parsed
from loadstore.quote import quote
from loadstore.reading import reads

SUFFIXES = (".safetensors", ".pth", ".pt", ".bin")
PACKED = ".gguf"  # read by checkpoints.gguf
MOST_TENSORS = 100_000
KINDS = {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors of a file by name, and its text metadata. Raises BadCheckpoint."""
    reads(path)
    return _safetensors(path) if path.suffix == SUFFIXES[0] else (read_pickled(path), {})


def _safetensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    try:
        with safe_open(path, framework="pt") as file:
            names = list(file.keys())
            if len(names) > MOST_TENSORS:
                raise BadCheckpoint(f"{path} claims {len(names)} tensors; at most {MOST_TENSORS} are read")
            header, start = _header(path)
            whole = torch.from_file(
                str(path), shared=False, size=path.stat().st_size, dtype=torch.uint8
            ).untyped_storage()
            views = {name: _view(whole, header[name], start) for name in names}
            tensors = {name: file.get_tensor(name) if view is None else view for name, view in views.items()}
            return tensors, dict(file.metadata() or {})
    except (SafetensorError, OSError, ValueError, RuntimeError, KeyError, AttributeError, MemoryError) as error:
        raise BadCheckpoint(
            f"{path} cannot be read as safetensors ({quote(error)}); it may be truncated; download it again"
        ) from None


def _header(path: Path) -> tuple[dict[str, Any], int]:
    """The header, which safetensors has checked, and where the tensors begin.

    Refuses a duplicate name: a JSON reader takes the last one, but which one is meant is unknown.
    """
    with path.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        if length > MOST:
            raise BadCheckpoint(f"{path} has a header of {length:,} bytes; at most {MOST:,} are read")
        return parsed(file.read(length), f"the header of {path}", "download it again"), 8 + length


def _view(whole: torch.UntypedStorage, entry: dict[str, Any], start: int) -> Tensor | None:
    """A tensor as a view of the mapped file; None if it has no numbers, another kind of them, or lies between them.

    ``get_tensor`` reads a page of every tensor, which takes minutes where there are 20,000.
    """
    kind, shape, offset = KINDS.get(entry["dtype"]), entry["shape"], start + entry["data_offsets"][0]
    if kind is None or not math.prod(shape) or offset % kind.itemsize:
        return None
    steps = [math.prod(shape[axis + 1 :]) for axis in range(len(shape))]
    return torch.empty(0, dtype=kind).set_(whole, offset // kind.itemsize, shape, steps)
