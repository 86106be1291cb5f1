"""Matrices that are products of stored ones, computed for the rows and columns that are asked for.

The matrices of heads that load through a latent are such products (``model/latent.py``): W_K = W diag(γ) W_U. For a
whole model the products would take many times the memory of its file.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from loadstore.model.finite import damaged, is_finite
from loadstore.model.stored import Matrix


@dataclass(frozen=True, eq=False)
class Piece:
    """Some rows of a composed matrix: ``up`` diag(``gain``) ``down``, or, without ``up``, ``down`` itself."""

    down: Tensor
    up: Tensor | None = None
    gain: Tensor | None = None

    @property
    def rows(self) -> int:
        """How many rows it makes."""
        return len(self.down if self.up is None else self.up)

    @property
    def own(self) -> tuple[Tensor, ...]:
        """The stored numbers that no other piece has to share: what multiplies ``down``, or ``down`` itself."""
        return tuple(part for part in ((self.down,) if self.up is None else (self.up, self.gain)) if part is not None)

    def box(self, rows: slice, columns: slice, dtype: torch.dtype) -> Tensor:
        """Some of its rows and columns."""
        if self.up is None:
            return self.down[rows, columns].to(dtype)
        up = self.up[rows].to(dtype)
        return (up if self.gain is None else up * self.gain.to(dtype)) @ self.down[:, columns].to(dtype)


class Composed(Matrix):
    """Pieces one below the other, [rows, d_model]; a box of it is computed each time that it is asked for."""

    def __init__(self, pieces: Sequence[Piece], path: Path, named: Mapping[str, Tensor]) -> None:
        self.pieces, self.path, self.named = tuple(pieces), path, named
        self.starts = np.cumsum([0, *(piece.rows for piece in pieces)]).tolist()
        self.rows, self.width = self.starts[-1], self.pieces[0].down.shape[1]
        self.kind, self.block, self.keep = -1, 1, False
        parts = [part.dtype for piece in pieces for part in (*piece.own, piece.down)]
        self.dtype = torch.float64 if torch.float64 in parts else torch.float32

    @property
    def raw(self) -> NDArray[np.uint8]:  # pyright: ignore[reportIncompatibleVariableOverride]
        """The bytes of every piece, for a digest."""
        parts = [part for piece in self.pieces for part in (*piece.own, piece.down)]
        return np.concatenate([part.detach().contiguous().reshape(-1).view(torch.uint8).numpy() for part in parts])

    def address(self, number: int) -> int:
        """No address: nothing else is stored where a product is."""
        return 0

    def box(self, rows: slice, columns: slice) -> Tensor:
        """Some rows and columns. Raises BadCheckpoint for NaN and infinities."""
        parts: list[Tensor] = []
        for start, piece in zip(self.starts, self.pieces, strict=False):
            first, last = max(rows.start, start), min(rows.stop, start + piece.rows)
            if first < last:
                parts.append(piece.box(slice(first - start, last - start), columns, self.dtype))
        values = torch.cat(parts)
        if not is_finite(values):
            raise damaged(self.path, next((name for name, part in self.named.items() if not is_finite(part)), None))
        return values

    def take(self, ids: Tensor) -> Tensor:
        """Whole rows by index."""
        return self.box(slice(0, self.rows), slice(0, self.width))[ids]
