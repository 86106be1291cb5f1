"""NaN and infinities in a file: looked for at loading where it is small, and where it is large at the first use."""

from bisect import bisect_right
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from loadstore.errors import BadCheckpoint
from loadstore.quote import quote

FAST = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


def is_finite(tensor: Tensor) -> bool:
    """Whether no entry is NaN or infinite; in one pass, and without a copy where its entries lie close together."""
    if not tensor.numel() or not tensor.is_floating_point():
        return True
    if tensor.dtype not in FAST:
        tensor = tensor.float()
    inward = sorted(range(tensor.dim()), key=tensor.stride, reverse=True)  # as the entries lie: ten times faster
    low, high = tensor.detach().permute(inward).aminmax()  # of NaN anywhere both are NaN
    return bool(torch.isfinite(low) & torch.isfinite(high))


def damaged(path: Path, name: str | None) -> BadCheckpoint:
    """Return the error for a file with a tensor that is not finite."""
    which = "the model read from it" if name is None else f"tensor '{quote(name)}'"
    return BadCheckpoint(
        f"{path}: {which} has NaN or infinite entries; the file is damaged or the training that made it diverged, "
        "fetch it again"
    )


class Unchecked:
    """The tensors of a large file, and which views of them have been found finite."""

    def __init__(self, path: Path, tensors: Mapping[str, Tensor]) -> None:
        self.path = path
        ranges = sorted((tensor.data_ptr(), tensor.nbytes, name) for name, tensor in tensors.items())
        self._starts = [start for start, _, _ in ranges]
        self._ranges = ranges
        self._finite: set[object] = set()

    def check(self, tensor: Tensor, of: Tensor) -> None:
        """Raise BadCheckpoint where an entry is NaN or infinite, naming the tensor that it was taken ``of``.

        A view of the file is searched once.
        """
        name = self._name(tensor.data_ptr())
        key = None if name is None else (tensor.data_ptr(), tensor.shape, tensor.stride(), tensor.dtype)
        if key is not None and key in self._finite:
            return
        if not is_finite(tensor):
            raise damaged(self.path, self._name(of.data_ptr()))
        if key is not None:  # other memory may hold other numbers the next time
            self._finite.add(key)

    def _name(self, address: int) -> str | None:
        """The tensor of the file that an address lies in, if it lies in one."""
        at = bisect_right(self._starts, address) - 1
        if at < 0:
            return None
        start, size, name = self._ranges[at]
        return name if address < start + size else None
