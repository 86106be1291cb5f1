"""Storage for activations on a corpus: in memory, or in a memory-mapped temporary file when large."""

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
CHUNK = 1 << 20  # bytes written at a time if the system cannot preallocate
MOST = 0.8  # fraction of the free space
CANNOT = (errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS)


def spool(weights: Weights, *shape: int) -> Tensor:
    """Zeros of a shape in the compute dtype; above 512 MB in a file that is deleted with the tensor.

    The file's space is allocated before it is mapped, because writing to a mapped page without space ends the process.
    Raises BadRequest if the temporary folder has too little space.
    """
    need = math.prod(shape) * weights.dtype.itemsize
    if need <= IN_MEMORY:
        return torch.zeros(shape, dtype=weights.dtype, device=weights.device)
    folder = "the temporary folder"
    try:
        folder = tempfile.gettempdir()
        if need > MOST * shutil.disk_usage(folder).free:
            raise OSError(errno.ENOSPC, "too little is free")
        with tempfile.NamedTemporaryFile(prefix="loadstore-") as file:  # the map outlives the file name
            set_aside(file.fileno(), need)
            return torch.from_file(file.name, shared=True, size=math.prod(shape), dtype=weights.dtype).view(shape)
    except (OSError, RuntimeError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error).partition("\n")[0]
        raise BadRequest(
            f"the stores of this corpus need {need / 1e9:.1f} GB, and {folder} cannot hold them "
            f"({why}{_free(folder)}); take fewer tokens, or set TMPDIR to a folder with room"
        ) from None


def set_aside(handle: int, size: int) -> None:
    """Make a file ``size`` bytes long, with all of its disk space allocated. Raises OSError if there is too little."""
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
    os.fsync(handle)  # some file systems report a full disk only now


def _free(folder: str) -> str:
    """The free space as a phrase; empty if unknown."""
    try:
        return f", {shutil.disk_usage(folder).free / 1e9:.1f} GB are free"
    except OSError:
        return ""
