"""Pickled state dicts from torch.save, read with weights_only so that nothing in them is executed."""

import pickle
import warnings
import zipfile
from pathlib import Path

import torch
from torch import Tensor

from loadstore.errors import BadCheckpoint
from loadstore.quote import quote

ZIP = b"PK\x03\x04"


def read_pickled(path: Path) -> dict[str, Tensor]:
    """The tensors at the top level of a pickled dict; other values are omitted. Raises BadCheckpoint."""
    mapped = _check_zip(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # if torch warns (of TorchScript, say), an error follows
            loaded: object = torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)
    except pickle.UnpicklingError as error:
        reason = quote(str(error).split(". ", 1)[0])
        raise BadCheckpoint(
            f"{path} asks for code to be run or is not a plain state dict ({reason}); nothing was executed. Convert it "
            "to safetensors if you trust it"
        ) from None
    except Exception as error:  # a truncated pickle can raise any exception
        raise BadCheckpoint(
            f"{path} cannot be read as a state dict ({quote(error)}); it may be truncated; download it again"
        ) from None
    if not isinstance(loaded, dict):
        raise BadCheckpoint(f"{path} holds a {type(loaded).__name__}, expected a dict of tensors")
    tensors = {str(name): value for name, value in loaded.items() if isinstance(value, Tensor)}
    for name, tensor in tensors.items():
        if tensor.layout == torch.strided and tensor.nbytes > tensor.untyped_storage().nbytes():
            raise BadCheckpoint(
                f"{path}: tensor '{quote(name)}' claims more entries than the file holds; save it again as a "
                "contiguous tensor if you trust it"
            )
    return tensors


def _check_zip(path: Path) -> bool:
    """Whether a file is an archive with uncompressed entries, which can be mapped.

    Raises BadCheckpoint if it unpacks to more than its own size: torch does not compress, but a zip bomb must.
    """
    try:
        with path.open("rb") as file:
            if file.read(4) != ZIP:  # the bytes that torch checks
                return False
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            unpacked = sum(entry.file_size for entry in entries)
    except (OSError, ValueError, NotImplementedError, zipfile.BadZipFile) as error:  # on truncated files
        raise BadCheckpoint(
            f"{path} cannot be unpacked ({quote(error)}); it may be truncated; download it again"
        ) from None
    if unpacked > (size := path.stat().st_size):
        raise BadCheckpoint(
            f"{path} would unpack from {size:,} to {unpacked:,} bytes, which no torch.save does; convert it to "
            "safetensors if you trust it"
        )
    return all(entry.compress_type == zipfile.ZIP_STORED for entry in entries)
