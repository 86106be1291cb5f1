"""The ports of readers: norm, matrix and bias, and any later rotation of queries and keys."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from loadstore.linear.factored import Factored
from loadstore.model.layers import Norm, map_tensors
from loadstore.model.norms import apply_gain, centred, through_norm
from loadstore.model.points import Point, ScaleOf
from loadstore.model.ports.folded import fold
from loadstore.model.ports.writers import Norms
from loadstore.model.weights import Weights
from loadstore.sites import Reader


@dataclass(frozen=True, eq=False)
class Reading(ABC):
    """One reader of one model. Values are computed or read from the file only on demand.

    With x the stream at ``point`` and 1/σ the pass's ``scale``, the reader computes N(x) W + b; N is its norm, W its
    ``matrix``, b its ``bias``. ``turn`` is the head's further processing of queries and keys.
    """

    weights: Weights
    reader: Reader

    @property
    @abstractmethod
    def point(self) -> Point:
        """The point at which it reads the stream."""

    @property
    @abstractmethod
    def scale(self) -> ScaleOf:
        """The name of the scale of the reader's norm."""

    @property
    @abstractmethod
    def matrix(self) -> Float[Tensor, "d_model inside"]:
        """W, unfolded, widened."""

    @property
    @abstractmethod
    def bias(self) -> Float[Tensor, " inside"] | None:
        """b, widened."""

    @property
    @abstractmethod
    def width(self) -> int:
        """The number of columns of W."""

    @abstractmethod
    def map(self, norms: Norms = "fold", *, bypassing: bool = False, offsets: range | None = None) -> Factored:
        """Return B: W_QK for Q, W_QKᵀ for K, W_OV for V, W_in for an MLP, W_U (centred) for the unembedding.

        Args:
            norms: ``"fold"`` folds norms into the matrices, ``"ignore"`` omits them.
            bypassing: for a writer that bypasses the norm. This side is then raw; the other side of W_QK stays
                folded, because it reads the normed stream.
            offsets: under rotary positions, the values of query − key over which B Bᵀ of Q and K is averaged.
                None: all offsets within the layer's reach.
        """

    @property
    @abstractmethod
    def _stored_norm(self) -> Norm | None: ...

    @property
    def rank(self) -> int:
        """The largest possible rank of the reader's input."""
        return min(self.width, self.weights.architecture.d_model)

    @property
    def norm(self) -> Norm | None:
        """The reader's norm, widened."""
        norm = self._stored_norm
        return None if norm is None else map_tensors(norm, self.weights.wide)

    def centres(self, norms: Norms = "fold") -> bool:
        """Whether the reader's norm subtracts the mean of the stream."""
        norm = self._stored_norm
        return norms == "fold" and norm is not None and norm.centres

    def centred(self, rows: Float[Tensor, "*any d_model"]) -> Float[Tensor, "*any d_model"]:
        """Rows of the stream, centred if the norm centres."""
        return rows - rows.mean(-1, keepdim=True) if self.centres() else rows

    @property
    def const(self) -> Float[Tensor, " inside"]:
        """The constant that the reader adds: β W + b."""
        matrix, bias, norm = self.matrix, self.bias, self.norm
        const = matrix.new_zeros(matrix.shape[1]) if bias is None else bias
        return const if norm is None or norm.bias is None else const + norm.bias @ matrix

    def folded(self, norms: Norms = "fold", *, bypassing: bool = False) -> Float[Tensor, "d_model inside"]:
        """N W, or W alone for a writer that bypasses the norm."""
        return self.matrix if bypassing or norms == "ignore" else fold(self.matrix, self.norm)

    def columns(self) -> Iterator[Float[Tensor, "_ d_model"]] | None:
        """The columns of the unfolded matrix in B, as rows, in tiles; None if B is a product of two matrices."""
        return None

    def through(
        self, part: Float[Tensor, "*any d_model"], scale: Float[Tensor, "*any 1"]
    ) -> Float[Tensor, "*any d_model"]:
        """Pass a part of the stream through the norm with its scale frozen. This is linear and omits β."""
        return through_norm(part, self.norm, scale)

    def back_through(
        self, direction: Float[Tensor, "*any d_model"], scale: Float[Tensor, "*any 1"]
    ) -> Float[Tensor, "*any d_model"]:
        """Pull directions g back through the norm: ⟨N(x), g⟩ = ⟨x, N*(g)⟩."""
        norm = self.norm
        return direction if norm is None else centred(apply_gain(direction, norm), norm) * scale

    @property
    def typical(self) -> Float[Tensor, " inside"] | None:
        """What ``folded`` multiplies the columns of a side that loads through a latent by; None for other readers."""
        return None

    @property
    def inner_scale(self) -> ScaleOf | None:
        """The name of the scale of a head's own norm of queries or keys, if any."""
        return None

    def turn(
        self, part: Float[Tensor, "*any token inside"], scale: Tensor | None, start: int = 0, *, at_one: bool = False
    ) -> Float[Tensor, "*any token inside"]:
        """Apply the head's own norm and rotary rotation to parts of q or k; other readers return them unchanged.

        Args:
            part: parts of the reader's inner vectors, for tokens from ``start`` on.
            scale: 1/σ of the head's own norm at these tokens, [… token 1].
            start: the position of the first token.
            at_one: whether all rows are parts of that one token.
        """
        return part

    def turn_back(
        self, along: Float[Tensor, "*any token inside"], scale: Tensor | None, start: int = 0
    ) -> Float[Tensor, "*any token inside"]:
        """Pull directions back the same way: the adjoint of ``turn``."""
        return along
