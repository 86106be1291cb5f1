"""An MLP as a writer (W_out) and as a reader (W_in, concatenated with W_gate if there is a gate).

With experts, W_out has the rows of every expert and of the units that every token uses, then the b_out of every expert
that has one: only the tokens that use the expert store it. W_in and W_gate have their columns likewise. The reader's
matrix also has those of the router, and of the gate of the units that all tokens use. A matrix does not state how often
tokens use an expert: every expert counts fully.

Where experts are sites, each of these parts is a writer and a reader of its own, and the router is a reader.
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
from loadstore.sites import Reader, Writer


@dataclass(frozen=True, eq=False)
class MlpWriting(RowWriting):
    """``L0.mlp`` as a writer, or an expert ``L0.E5`` or the units ``L0.shared`` beside the experts."""

    @property
    def row_is(self) -> Rows:
        """One row per unit."""
        return "units"

    @property
    def rows(self) -> Float[Tensor, "width d_model"]:
        """W_out, and the biases that experts store."""
        return _joined(self._rows, 0)

    @property
    def height(self) -> int:
        """The number of units, and of biases that experts store."""
        return sum(len(rows) for rows in self._rows)

    @property
    def scale_after(self) -> ScaleOf | None:
        """The scale of the norm after the MLP, if there is one."""
        return None if _mlp(self.weights, self.writer).after is None else ScaleOf("after_mlp", self.writer.layer)

    def map(self, norms: Norms = "fold") -> Float[Tensor, "width d_model"]:
        """Return W_out with the gain of a norm after the MLP, widened."""
        matrix, after = _joined([self.weights.stored(rows) for rows in self._rows], 0), self._after
        if norms == "ignore" or after is None:
            return matrix
        return apply_gain(matrix, map_tensors(after, self.weights.wide))

    @property
    def _after(self) -> Norm | None:
        return _mlp(self.weights, self.writer).after

    @property
    def _rows(self) -> list[Tensor]:
        mlp, parts = _mlp(self.weights, self.writer), _parts(self.weights, self.writer)
        biases = [] if mlp.experts is None else [part.b_out for part in parts if part is not mlp]
        return [*(part.W_out for part in parts), *(bias[None] for bias in biases if bias is not None)]


@dataclass(frozen=True, eq=False)
class MlpReading(Reading):
    """``L0.mlp`` as a reader, or its router, an expert or the units beside the experts."""

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
        return _joined([self.weights.wide(matrix) for matrix, _ in self._columns], 1)

    @property
    def bias(self) -> Float[Tensor, " inside"] | None:
        """b_in, concatenated with b_gate if there is a gate, and with b_router if there are experts."""
        columns = self._columns
        if all(bias is None for _, bias in columns):
            return None
        widths = [matrix.shape[1] for matrix, _ in columns]
        zeros = torch.zeros(max(widths), dtype=self.weights.dtype, device=self.weights.device)
        biases = [None if bias is None else self.weights.wide(bias) for _, bias in columns]
        return torch.cat([zeros[:n] if bias is None else bias for n, bias in zip(widths, biases, strict=True)])

    @property
    def width(self) -> int:
        """The number of columns of all matrices together."""
        return sum(matrix.shape[1] for matrix, _ in self._columns)

    @property
    def _stored_norm(self) -> Norm | None:
        return _mlp(self.weights, self.reader).norm

    def map(self, norms: Norms = "fold", *, bypassing: bool = False, offsets: range | None = None) -> Factored:
        """Return the folded matrix as the right factor."""
        matrix = self.folded(norms, bypassing=bypassing)
        return Factored(torch.eye(matrix.shape[0], dtype=matrix.dtype, device=matrix.device), matrix)

    def columns(self) -> Iterator[Float[Tensor, "_ d_model"]]:
        """The columns of W_in, then those of W_gate, then of the router."""
        yield from (self.weights.wide(matrix).mT for matrix, _ in self._columns)

    @property
    def _columns(self) -> list[tuple[Tensor, Tensor | None]]:
        """Each matrix with its bias."""
        parts = _parts(self.weights, self.reader)
        inside = [(part.W_in, part.b_in) for part in parts]
        inside += [(part.W_gate, part.b_gate) for part in parts if part.W_gate is not None]
        return [*inside, *_routers(self.weights, self.reader)]


def _joined(matrices: list[Tensor], axis: int) -> Tensor:
    return matrices[0] if len(matrices) == 1 else torch.cat(matrices, axis)


def _parts(weights: Weights, site: Writer | Reader) -> list[MlpLayer]:
    """The units of a site: all parts of its MLP, one expert, the units beside the experts, or none for the router."""
    mlp, kind = _mlp(weights, site), site.kind if isinstance(site, Writer) else site.side
    if mlp.experts is None or kind == "mlp":
        return mlp.parts
    return [mlp.experts[site.index]] if kind == "expert" else [mlp] if kind == "shared" else []


def _routers(weights: Weights, reader: Reader) -> list[tuple[Tensor, Tensor | None]]:
    """The columns of a reader that score experts, and that of the gate of the units beside them."""
    experts = _mlp(weights, reader).experts
    if experts is None or reader.side == "expert":
        return []
    scores = [] if reader.side == "shared" else [(experts.W_router, experts.b_router)]
    return scores if reader.side == "router" or experts.W_shared is None else [*scores, (experts.W_shared, None)]


def _mlp(weights: Weights, site: Writer | Reader) -> MlpLayer:
    mlp = weights.layers[site.layer].mlp
    assert mlp is not None
    return mlp
