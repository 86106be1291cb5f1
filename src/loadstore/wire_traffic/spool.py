"""Room for what a corpus stored: memory while it is little, a temporary file that is mapped when it is much."""

import errno
import math
import os
import shutil
import tempfile

import torch
from torch import Tensor

from loadstore.errors import BadRequest
from loadstore.model.weights import Weights

IN_MEMORY = 1 << 29  # bytes
CHUNK = 1 << 20  # bytes written at a time where the system cannot set space aside
MOST = 0.8  # of the free space
CANNOT = (errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS)


def spool(weights: Weights, *shape: int) -> Tensor:
    """Zeros of a shape in the number format that a model computes with; beyond 512 MB in a file that goes with it.

    All of the file's space is set aside before it is mapped: a page of a map that finds no room ends the process.
    Raises BadRequest where the temporary folder has no room for it.
    """
    need = math.prod(shape) * weights.dtype.itemsize
    if need <= IN_MEMORY:
        return torch.zeros(shape, dtype=weights.dtype, device=weights.device)
    folder = "the temporary folder"
    try:
        folder = tempfile.gettempdir()
        if need > MOST * shutil.disk_usage(folder).free:
            raise OSError(errno.ENOSPC, "too little is free")
        with tempfile.NamedTemporaryFile(prefix="loadstore-") as file:  # the map keeps the bytes when the name is gone
            set_aside(file.fileno(), need)
            return torch.from_file(file.name, shared=True, size=math.prod(shape), dtype=weights.dtype).view(shape)
    except (OSError, RuntimeError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error).partition("\n")[0]
        raise BadRequest(
            f"the stores of this corpus take {need / 1e9:.1f} GB, and {folder} does not take them ({why}"
            f"{_free(folder)}); take fewer tokens, or set TMPDIR to a folder with room"
        ) from None


def set_aside(handle: int, size: int) -> None:
    """Make a file ``size`` bytes long, with space on the disk for each. Raises OSError where there is none."""
    if hasattr(os, "posix_fallocate"):
        try:
            os.posix_fallocate(handle, 0, size)
        except OSError as error:
            if error.errno not in CANNOT:
                raise
        else:
            return
    zeros = bytes(CHUNK)
    left = size
    while left:
        left -= os.write(handle, zeros[: min(left, CHUNK)])
    os.fsync(handle)  # some file systems find that they are full only now


def _free(folder: str) -> str:
    """How much room there is, where that is known."""
    try:
        return f", {shutil.disk_usage(folder).free / 1e9:.1f} GB are free"
    except OSError:
        return ""
