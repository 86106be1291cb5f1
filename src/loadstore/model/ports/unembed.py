"""The unembedding as a reader. In B, W_U is centred over the vocabulary: shifting all logits has no effect."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from loadstore.linear.ends import ROWS
from loadstore.linear.factored import Factored
from loadstore.model.layers import Norm
from loadstore.model.points import Point, ScaleOf
from loadstore.model.ports.folded import fold
from loadstore.model.ports.readers import Reading
from loadstore.model.ports.writers import Norms


@dataclass(frozen=True, eq=False)
class UnembedReading(Reading):
    """``unembed``."""

    @property
    def point(self) -> Point:
        """After the last layer."""
        return Point(self.weights.architecture.n_layers)

    @property
    def scale(self) -> ScaleOf:
        """The scale of the final norm."""
        return ScaleOf("final")

    @property
    def matrix(self) -> Float[Tensor, "d_model vocab"]:
        """The uncentred W_U, which produces the logits."""
        return self.weights.wide(self.weights.W_U)

    @property
    def bias(self) -> Float[Tensor, " vocab"] | None:
        """b_U."""
        return None if self.weights.b_U is None else self.weights.wide(self.weights.b_U)

    @property
    def width(self) -> int:
        """The vocabulary size."""
        return self.weights.architecture.vocab

    @property
    def _stored_norm(self) -> Norm | None:
        return self.weights.final_norm

    def map(self, norms: Norms = "fold", *, bypassing: bool = False, offsets: range | None = None) -> Factored:
        """Return W_U, centred over the vocabulary and folded, as the right factor."""
        matrix = self.matrix
        matrix = matrix - matrix.mean(1, keepdim=True)
        if norms == "fold" and not bypassing:
            matrix = fold(matrix, self.norm)
        return Factored(torch.eye(matrix.shape[0], dtype=matrix.dtype, device=matrix.device), matrix)

    def columns(self) -> Iterator[Float[Tensor, "_ d_model"]]:
        """The columns of W_U minus their mean over the vocabulary, as rows, in tiles."""
        W_U, wide = self.weights.W_U, self.weights.wide
        mean = wide(W_U).mean(1, keepdim=True)
        for start in range(0, W_U.shape[1], ROWS):
            yield (wide(W_U[:, start : start + ROWS]) - mean).mT
