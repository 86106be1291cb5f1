"""What a reader loads from the stream: the norm it reads through, its matrix and bias, and what happens to it there."""

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
    """One reader of one model. Nothing is computed or read before it is asked for.

    With x the stream at ``point`` and 1/σ the pass's ``scale``, the reader computes N(x) W + b; N is its norm, W its
    ``matrix``, b its ``bias``. ``turn`` is what a head does to queries and keys afterwards.
    """

    weights: Weights
    reader: Reader

    @property
    @abstractmethod
    def point(self) -> Point:
        """Where it meets the stream."""

    @property
    @abstractmethod
    def scale(self) -> ScaleOf:
        """The name of the scale of the norm that it reads through."""

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
        """How many columns W has."""

    @abstractmethod
    def map(self, norms: Norms = "fold", *, bypassing: bool = False, offsets: range | None = None) -> Factored:
        """Return B: W_QK for Q, W_QKᵀ for K, W_OV for V, W_in for an MLP, W_U (centred) for the unembedding.

        Args:
            norms: ``"fold"`` takes norms into the matrices, ``"ignore"`` leaves them out.
            bypassing: the reader as a writer that bypasses its norm meets it: this side raw, and the other side of
                W_QK folded, since there it still meets the normed stream.
            offsets: query − key, which B Bᵀ of Q and K is the mean over under rotary positions; None for every offset
                that the layer lets meet.
        """

    @property
    @abstractmethod
    def _stored_norm(self) -> Norm | None: ...

    @property
    def rank(self) -> int:
        """How many dimensions the reader can read at most."""
        return min(self.width, self.weights.architecture.d_model)

    @property
    def norm(self) -> Norm | None:
        """The norm that it reads through, widened."""
        norm = self._stored_norm
        return None if norm is None else map_tensors(norm, self.weights.wide)

    def centres(self, norms: Norms = "fold") -> bool:
        """Whether its norm removes the mean of the stream."""
        norm = self._stored_norm
        return norms == "fold" and norm is not None and norm.centres

    def centred(self, rows: Float[Tensor, "*any d_model"]) -> Float[Tensor, "*any d_model"]:
        """Rows of the stream, without their mean where the norm removes it."""
        return rows - rows.mean(-1, keepdim=True) if self.centres() else rows

    @property
    def const(self) -> Float[Tensor, " inside"]:
        """What the reader adds by itself: β W + b."""
        matrix, bias, norm = self.matrix, self.bias, self.norm
        const = matrix.new_zeros(matrix.shape[1]) if bias is None else bias
        return const if norm is None or norm.bias is None else const + norm.bias @ matrix

    def folded(self, norms: Norms = "fold", *, bypassing: bool = False) -> Float[Tensor, "d_model inside"]:
        """N W, or W alone for a writer that bypasses the norm."""
        return self.matrix if bypassing or norms == "ignore" else fold(self.matrix, self.norm)

    def columns(self) -> Iterator[Float[Tensor, "_ d_model"]] | None:
        """The columns of the matrix in B, unfolded, as rows, some at a time; None where B is a product of two."""
        return None

    def through(
        self, part: Float[Tensor, "*any d_model"], scale: Float[Tensor, "*any 1"]
    ) -> Float[Tensor, "*any d_model"]:
        """Send a part of the stream through the norm with its scale frozen: linear, without β."""
        return through_norm(part, self.norm, scale)

    def back_through(
        self, direction: Float[Tensor, "*any d_model"], scale: Float[Tensor, "*any 1"]
    ) -> Float[Tensor, "*any d_model"]:
        """Send directions g back through the norm: ⟨N(x), g⟩ = ⟨x, N*(g)⟩."""
        norm = self.norm
        return direction if norm is None else centred(apply_gain(direction, norm), norm) * scale

    @property
    def inner_scale(self) -> ScaleOf | None:
        """The name of the scale of a head's own norm of queries or keys."""
        return None

    def turn(
        self, part: Float[Tensor, "*any token inside"], scale: Tensor | None, start: int = 0, *, at_one: bool = False
    ) -> Float[Tensor, "*any token inside"]:
        """Bring parts of q or k through the head's own norm and the rotary positions; other readers keep them.

        Args:
            part: parts of what the reader has inside, for tokens from ``start`` on.
            scale: 1/σ of the head's own norm at these tokens, [… token 1].
            start: the position of the first token.
            at_one: all rows are parts of that one token.
        """
        return part

    def turn_back(
        self, along: Float[Tensor, "*any token inside"], scale: Tensor | None, start: int = 0
    ) -> Float[Tensor, "*any token inside"]:
        """Bring directions back the same way: the adjoint of ``turn``."""
        return along
