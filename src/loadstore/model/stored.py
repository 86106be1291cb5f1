"""Matrices that stay in a file in a GGUF format and return boxes of rows and columns as float32.

Source of the formats: ggml. The gguf package decodes them; it is imported on first use.
"""

from threading import Lock
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from loadstore.errors import BadCheckpoint

CHUNK = 1 << 17  # numbers decoded at a time: fits the CPU cache


class Kind(NamedTuple):
    """A format: its name, and the numbers and bytes per block."""

    name: str
    numbers: int
    bytes: int


KINDS = {
    0: Kind("F32", 1, 4),
    1: Kind("F16", 1, 2),
    2: Kind("Q4_0", 32, 18),
    3: Kind("Q4_1", 32, 20),
    6: Kind("Q5_0", 32, 22),
    7: Kind("Q5_1", 32, 24),
    8: Kind("Q8_0", 32, 34),
    10: Kind("Q2_K", 256, 84),
    11: Kind("Q3_K", 256, 110),
    12: Kind("Q4_K", 256, 144),
    13: Kind("Q5_K", 256, 176),
    14: Kind("Q6_K", 256, 210),
    16: Kind("IQ2_XXS", 256, 66),
    17: Kind("IQ2_XS", 256, 74),
    18: Kind("IQ3_XXS", 256, 98),
    19: Kind("IQ1_S", 256, 50),
    20: Kind("IQ4_NL", 32, 18),
    21: Kind("IQ3_S", 256, 110),
    22: Kind("IQ2_S", 256, 82),
    23: Kind("IQ4_XS", 256, 136),
    29: Kind("IQ1_M", 256, 56),
    30: Kind("BF16", 1, 2),
    34: Kind("TQ1_0", 256, 54),
    35: Kind("TQ2_0", 256, 66),
    39: Kind("MXFP4", 32, 17),
    40: Kind("NVFP4", 64, 36),
}


def dequantise(raw: NDArray[np.uint8], kind: int) -> NDArray[np.float32]:
    """Decode rows of bytes into rows of numbers. Each row holds whole blocks."""
    raw = np.ascontiguousarray(raw)
    if kind == 0:
        return raw.view(np.float32).copy()
    if kind == 1:
        return raw.view(np.float16).astype(np.float32)
    from gguf import GGMLQuantizationType
    from gguf.quants import dequantize

    _, numbers, size = KINDS[kind]
    blocks = raw.reshape(-1, size)
    out = np.empty((len(blocks), numbers), np.float32)
    step = max(1, CHUNK // numbers)
    with np.errstate(all="ignore"):  # damaged blocks; callers check for non-finite values
        for at in range(0, len(blocks), step):
            packed = blocks[at : at + step].reshape(1, -1)
            out[at : at + step] = dequantize(packed, GGMLQuantizationType(kind)).reshape(-1, numbers)
    return out.reshape(len(raw), -1)


class Matrix:
    """A matrix stored in a file, [rows, bytes per row], that returns boxes of itself as ``dtype``.

    With ``keep``, dequantised blocks are cached in memory. ``where`` names the file and tensor for error messages.
    """

    dtype = torch.float32

    def __init__(self, raw: NDArray[np.uint8], kind: int, where: str, *, keep: bool) -> None:
        self.raw, self.kind, self.where = raw, kind, where
        self.block = KINDS[kind].numbers
        self.rows, self.width = len(raw), raw.shape[1] // KINDS[kind].bytes * self.block
        self.keep = keep
        self.values: Tensor | None = None
        self.filling = Lock()
        self.known = np.zeros((0, 0), np.bool_)

    def address(self, number: int) -> int:
        """The memory address of the block that contains one number."""
        return int(self.raw.ctypes.data) + number // self.block * KINDS[self.kind].bytes

    def box(self, rows: slice, columns: slice) -> Tensor:
        """Some rows, and the whole blocks that contain some columns. Raises BadCheckpoint for NaN and infinities."""
        first, last = columns.start // self.block, -(-columns.stop // self.block)
        if not self.keep:
            return self._read(rows, first, last)
        with self.filling:
            if self.values is None:
                self.known = np.zeros((self.rows, self.width // self.block), np.bool_)
                self.values = torch.empty(self.rows, self.width)
            kept = self.values[rows, first * self.block : last * self.block]
            if not self.known[rows, first:last].all():
                kept.copy_(self._read(rows, first, last))
                self.known[rows, first:last] = True
        return kept

    def take(self, ids: Tensor) -> Tensor:
        """Whole rows by index, each distinct row dequantised once."""
        unique, places = ids.unique(return_inverse=True)
        if len(unique) and not 0 <= int(unique[0]) <= int(unique[-1]) < self.rows:
            raise IndexError(f"rows {int(unique[0])} to {int(unique[-1])} of a matrix of {self.rows} rows")
        return self._read(unique.numpy(), 0, self.width // self.block)[places]

    def _read(self, rows: "slice | NDArray[np.int64]", first: int, last: int) -> Tensor:
        size = KINDS[self.kind].bytes
        values = dequantise(self.raw[rows, first * size : last * size], self.kind)
        if not np.isfinite(values).all():
            raise BadCheckpoint(f"{self.where} has NaN or infinite entries; the file is damaged; download it again")
        return torch.from_numpy(values)
