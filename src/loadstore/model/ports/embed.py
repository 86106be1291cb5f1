"""The embedding as a writer: it stores each token's row of W_E."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from loadstore.model.ports.writers import Norms, Rows, RowWriting

TILE = 8192  # tokens


@dataclass(frozen=True, eq=False)
class EmbedWriting(RowWriting):
    """``embed``."""

    @property
    def row_is(self) -> Rows:
        """One row per token."""
        return "tokens"

    @property
    def rows(self) -> Float[Tensor, "vocab d_model"]:
        """W_E, unscaled."""
        return self.weights.W_E

    def map(self, norms: Norms = "fold") -> Float[Tensor, "vocab d_model"]:
        """Return W_E, widened and scaled."""
        return self._scaled(super().map())

    def given(self, tokens: Int[Tensor, "*any"], positions: Int[Tensor, "*some"]) -> Tensor:
        """The rows of the given tokens. Raises BadCheckpoint if an entry is not finite."""
        rows = self.rows  # F.embedding has a deterministic backward pass; W_E[tokens] does not
        return self._scaled(self.weights.wide(self.weights.read(F.embedding(tokens.to(rows.device), rows), of=rows)))

    def along(self, directions: Float[Tensor, "d_model ..."], norms: Norms = "fold") -> Float[Tensor, "vocab ..."]:
        """Each row along the given directions. If W_E has another dtype or device, it is widened tile by tile."""
        rows, weights = self.rows, self.weights
        directions = self._scaled(directions.to(weights.device, weights.dtype))
        if (rows.dtype, rows.device) == (directions.dtype, directions.device):
            return weights.read(rows) @ directions
        return torch.cat([weights.wide(tile) @ directions for tile in rows.split(TILE)])

    def _scaled(self, part: Tensor) -> Tensor:
        scale = self.weights.architecture.embedding_scale
        return part if scale == 1 else part * scale
