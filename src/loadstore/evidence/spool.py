"""Room for what a corpus stored: memory while it is little, a temporary file that is mapped when it is much."""

import math
import shutil
import tempfile
from pathlib import Path

import torch
from torch import Tensor

from loadstore.errors import BadRequest
from loadstore.models.weights import Weights

IN_MEMORY = 1 << 29  # bytes


def spool(weights: Weights, *shape: int) -> Tensor:
    """Zeros of a shape in the number format that a model computes with; beyond 512 MB in a file that goes with it.

    Raises BadRequest where the temporary folder has no room for it.
    """
    need = math.prod(shape) * weights.dtype.itemsize
    if need <= IN_MEMORY:
        return torch.zeros(shape, dtype=weights.dtype, device=weights.device)
    folder = Path(tempfile.gettempdir())
    free = shutil.disk_usage(folder).free
    if need > 0.8 * free:
        raise BadRequest(
            f"what this corpus stores takes {need / 1e9:.1f} GB and {folder} has {free / 1e9:.1f} GB; take fewer "
            "tokens, or set TMPDIR to a folder with room"
        )
    with tempfile.NamedTemporaryFile(prefix="loadstore-") as file:  # the map keeps the bytes when the name is gone
        file.truncate(need)
        return torch.from_file(file.name, shared=True, size=math.prod(shape), dtype=weights.dtype).view(shape)
