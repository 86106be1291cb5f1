"""Checks a file for NaN and infinities: a small file at loading, a large one at the first use of each tensor."""

from bisect import bisect_right
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from loadstore.errors import BadCheckpoint
from loadstore.quote import quote

FAST = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


def is_finite(tensor: Tensor) -> bool:
    """Whether every entry is finite: one pass, and no copy if the entries are contiguous in some order."""
    if not tensor.numel() or not tensor.is_floating_point():
        return True
    if tensor.dtype not in FAST:
        tensor = tensor.float()
    inward = sorted(range(tensor.dim()), key=tensor.stride, reverse=True)  # in memory order, which is ten times faster
    low, high = tensor.detach().permute(inward).aminmax()  # both are NaN if any entry is
    return bool(torch.isfinite(low) & torch.isfinite(high))


def damaged(path: Path, name: str | None) -> BadCheckpoint:
    """Return the error for a tensor with NaN or infinite entries."""
    which = "the model read from it" if name is None else f"tensor '{quote(name)}'"
    return BadCheckpoint(
        f"{path}: {which} has NaN or infinite entries; the file is damaged or its training diverged; download it again"
    )


class Unchecked:
    """The tensors of a large file, and the views of them that have already passed the check."""

    def __init__(self, path: Path, tensors: Mapping[str, Tensor]) -> None:
        self.path = path
        ranges = sorted((tensor.data_ptr(), tensor.nbytes, name) for name, tensor in tensors.items())
        self._starts = [start for start, _, _ in ranges]
        self._ranges = ranges
        self._finite: set[object] = set()

    def check(self, tensor: Tensor, of: Tensor) -> None:
        """Raise BadCheckpoint if an entry is NaN or infinite. The error names ``of``, the tensor that holds the entry.

        Each view of the file is checked once.
        """
        name = self._name(tensor.data_ptr())
        key = None if name is None else (tensor.data_ptr(), tensor.shape, tensor.stride(), tensor.dtype)
        if key is not None and key in self._finite:
            return
        if not is_finite(tensor):
            raise damaged(self.path, self._name(of.data_ptr()))
        if key is not None:  # other memory may be reused for other values
            self._finite.add(key)

    def _name(self, address: int) -> str | None:
        """The name of the file's tensor that contains this address, if any."""
        at = bisect_right(self._starts, address) - 1
        if at < 0:
            return None
        start, size, name = self._ranges[at]
        return name if address < start + size else None
