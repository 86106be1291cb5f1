"""The ports of writers: the possible stores, and how recorded values of a pass determine them."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Literal, TypeAlias

from jaxtyping import Float, Int
from torch import Tensor

from loadstore.linear.factored import Factored
from loadstore.model.points import ScaleOf
from loadstore.model.weights import Weights
from loadstore.sites import Writer

Norms: TypeAlias = Literal["fold", "ignore"]
Rows: TypeAlias = Literal["tokens", "positions", "units", ""]


@dataclass(frozen=True, eq=False)
class Writing(ABC):
    """One writer of one model. Values are computed or read from the file only on demand.

    A pass records ``inner``. The store is inner · ``out``, or inner itself if ``out`` is None.
    """

    weights: Weights
    writer: Writer

    @property
    @abstractmethod
    def row_is(self) -> Rows:
        """The source that a row of ``along`` belongs to; empty for a constant."""

    @property
    @abstractmethod
    def height(self) -> int:
        """The number of rows of the matrix whose row space contains every store; for a head, W_O."""

    @abstractmethod
    def map(self, norms: Norms = "fold") -> Factored | Float[Tensor, "source d_model"]:
        """Return A, whose rows span every store: W_E, W_pos, W_OV, W_out or b_O, before any reader's centring.

        Args:
            norms: ``"fold"`` folds the norm before the writer's own input into A, ``"ignore"`` omits it.
        """

    @property
    def rank(self) -> int:
        """The largest possible rank of the writer's output."""
        return min(self.height, self.weights.architecture.d_model)

    @property
    def bypasses_norm(self) -> bool:
        """Whether readers add the store after their norm, so that it is never in the stream."""
        return False

    @property
    def scale_after(self) -> ScaleOf | None:
        """The name of the scale of the norm applied to the block's output; None if there is none."""
        return None

    @property
    def constant(self) -> Float[Tensor, " d_model"] | None:
        """The store, if it is the same at every token of every prompt; otherwise None."""
        return None

    @property
    def out(self) -> Float[Tensor, "inner d_model"] | None:
        """The map from recorded values to the store; None if the store itself is recorded."""
        return None

    def sent(self, inner: Float[Tensor, "*any inner"]) -> Float[Tensor, "*any d_model"]:
        """The store that corresponds to recorded values."""
        out = self.out
        return inner if out is None else inner @ out

    @abstractmethod
    def along(self, directions: Float[Tensor, "d_model ..."], norms: Norms = "fold") -> Float[Tensor, "row ..."] | None:
        """The store's components along the given directions, per token, position or unit; None for a constant."""

    def given(self, tokens: Int[Tensor, "*any"], positions: Int[Tensor, "*some"]) -> Tensor | None:
        """The store, if tokens and positions alone determine it; None if it needs a forward pass."""
        return None


@dataclass(frozen=True, eq=False)
class RowWriting(Writing):
    """A writer that stores rows of a matrix, or sums of them."""

    @property
    @abstractmethod
    def rows(self) -> Float[Tensor, "row d_model"]:
        """The matrix in its stored dtype. Raises BadCheckpoint if an entry is not finite."""

    @property
    def height(self) -> int:
        """The number of rows of the matrix."""
        return self.rows.shape[0]

    def map(self, norms: Norms = "fold") -> Float[Tensor, "source d_model"]:
        """Return the matrix, widened."""
        return self.weights.wide(self.rows)

    def along(self, directions: Float[Tensor, "d_model ..."], norms: Norms = "fold") -> Float[Tensor, "row ..."] | None:
        """Each row along the given directions."""
        rows = self.map(norms)
        return rows @ directions.to(rows)
