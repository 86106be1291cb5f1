"""The tensors of one file, memory-mapped if the format allows it: safetensors, or a pickled state dict."""

import struct
from pathlib import Path

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
            _check_names(path)
            return {name: file.get_tensor(name) for name in names}, dict(file.metadata() or {})
    except (SafetensorError, OSError, ValueError, RuntimeError, KeyError, AttributeError, MemoryError) as error:
        raise BadCheckpoint(
            f"{path} cannot be read as safetensors ({quote(error)}); it may be truncated; download it again"
        ) from None


def _check_names(path: Path) -> None:
    """Refuse a header with a duplicate name: a JSON reader takes the last one, but which one is meant is unknown."""
    with path.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        if length > MOST:
            raise BadCheckpoint(f"{path} has a header of {length:,} bytes; at most {MOST:,} are read")
        parsed(file.read(length), f"the header of {path}", "download it again")
