"""An MLP as a writer (W_out) and as a reader (W_in, concatenated with W_gate if there is a gate).

With experts, W_out has the rows of every expert and of the units that every token uses. W_in and W_gate have their
columns likewise. The reader's matrix also has those of the router, and of the gate of the units that all tokens use.
A matrix does not state how often tokens use an expert: every expert counts fully.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from loadstore.linear.factored import Factored
from loadstore.model.layers import MlpLayer, Norm, map_tensors
from loadstore.model.norms import apply_gain
from loadstore.model.points import Point, ScaleOf
from loadstore.model.ports.readers import Reading
from loadstore.model.ports.writers import Norms, Rows, RowWriting
from loadstore.model.weights import Weights


@dataclass(frozen=True, eq=False)
class MlpWriting(RowWriting):
    """``L0.mlp`` as a writer."""

    @property
    def row_is(self) -> Rows:
        """One row per unit."""
        return "units"

    @property
    def rows(self) -> Float[Tensor, "width d_model"]:
        """W_out."""
        return _joined([part.W_out for part in _mlp(self.weights, self.writer.layer).parts], 0)

    @property
    def height(self) -> int:
        """The number of units."""
        return sum(part.W_out.shape[0] for part in _mlp(self.weights, self.writer.layer).parts)

    @property
    def scale_after(self) -> ScaleOf | None:
        """The scale of the norm after the MLP, if there is one."""
        return None if _mlp(self.weights, self.writer.layer).after is None else ScaleOf("after_mlp", self.writer.layer)

    def map(self, norms: Norms = "fold") -> Float[Tensor, "width d_model"]:
        """Return W_out with the gain of a norm after the MLP, widened."""
        mlp = _mlp(self.weights, self.writer.layer)
        matrix, after = _joined([self.weights.stored(part.W_out) for part in mlp.parts], 0), mlp.after
        if norms == "ignore" or after is None:
            return matrix
        return apply_gain(matrix, map_tensors(after, self.weights.wide))


@dataclass(frozen=True, eq=False)
class MlpReading(Reading):
    """``L0.mlp`` as a reader."""

    @property
    def point(self) -> Point:
        """Before the layer's MLP."""
        return Point(self.reader.layer, mlp=True)

    @property
    def scale(self) -> ScaleOf:
        """The scale of the MLP's norm."""
        return ScaleOf("mlp", self.reader.layer)

    @property
    def matrix(self) -> Float[Tensor, "d_model inside"]:
        """W_in, concatenated with W_gate if there is a gate."""
        return _joined([self.weights.wide(matrix) for matrix in self._matrices], 1)

    @property
    def bias(self) -> Float[Tensor, " inside"] | None:
        """b_in, concatenated with b_gate if there is a gate."""
        mlp, wide = _mlp(self.weights, self.reader.layer), self.weights.wide
        if mlp.W_gate is None or (mlp.b_in is None and mlp.b_gate is None):
            return None if mlp.b_in is None else wide(mlp.b_in)
        zeros = torch.zeros(mlp.W_in.shape[1], dtype=self.weights.dtype, device=self.weights.device)
        return torch.cat([zeros if bias is None else wide(bias) for bias in (mlp.b_in, mlp.b_gate)])

    @property
    def width(self) -> int:
        """The number of columns of all matrices together."""
        return sum(matrix.shape[1] for matrix in self._matrices)

    @property
    def _stored_norm(self) -> Norm | None:
        return _mlp(self.weights, self.reader.layer).norm

    def map(self, norms: Norms = "fold", *, bypassing: bool = False, offsets: range | None = None) -> Factored:
        """Return the folded matrix as the right factor."""
        matrix = self.folded(norms, bypassing=bypassing)
        return Factored(torch.eye(matrix.shape[0], dtype=matrix.dtype, device=matrix.device), matrix)

    def columns(self) -> Iterator[Float[Tensor, "_ d_model"]]:
        """The columns of W_in, then those of W_gate, then of the router."""
        yield from (self.weights.wide(matrix).mT for matrix in self._matrices)

    @property
    def _matrices(self) -> list[Tensor]:
        mlp = _mlp(self.weights, self.reader.layer)
        inside = [part.W_in for part in mlp.parts] + [part.W_gate for part in mlp.parts if part.W_gate is not None]
        return inside if mlp.experts is None else [*inside, *mlp.experts.routers]


def _joined(matrices: list[Tensor], axis: int) -> Tensor:
    return matrices[0] if len(matrices) == 1 else torch.cat(matrices, axis)


def _mlp(weights: Weights, layer: int) -> MlpLayer:
    mlp = weights.layers[layer].mlp
    assert mlp is not None
    return mlp
