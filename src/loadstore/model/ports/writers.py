"""What a writer can store, and how its store follows from what a pass records."""

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
    """One writer of one model. Nothing is computed or read before it is asked for.

    A pass records ``inner``, which the store is linear in: store = inner · ``out``, or inner itself where ``out`` is
    None.
    """

    weights: Weights
    writer: Writer

    @property
    @abstractmethod
    def row_is(self) -> Rows:
        """What one row of ``along`` belongs to; empty where a store comes from nothing that could be listed."""

    @property
    @abstractmethod
    def height(self) -> int:
        """How many rows the matrix has whose row space is what this writer can store; for a head, W_O."""

    @abstractmethod
    def map(self, norms: Norms = "fold") -> Factored | Float[Tensor, "source d_model"]:
        """Return A, whose rows span every store: W_E, W_pos, W_OV, W_out or b_O; no reader has centred it yet.

        Args:
            norms: ``"fold"`` takes the norm before the writer's own input into A, ``"ignore"`` leaves it out.
        """

    @property
    def rank(self) -> int:
        """How many dimensions the writer can write at most."""
        return min(self.height, self.weights.architecture.d_model)

    @property
    def bypasses_norm(self) -> bool:
        """Whether readers add it behind their norm, and never find it in the stream."""
        return False

    @property
    def scale_after(self) -> ScaleOf | None:
        """The name of the scale of a norm of all that the block stores; None where there is none."""
        return None

    @property
    def constant(self) -> Float[Tensor, " d_model"] | None:
        """The store, where it is the same at every token of every prompt."""
        return None

    @property
    def out(self) -> Float[Tensor, "inner d_model"] | None:
        """The map from what a pass records to the store; None where the store itself is recorded."""
        return None

    def sent(self, inner: Float[Tensor, "*any inner"]) -> Float[Tensor, "*any d_model"]:
        """The store that belongs to what a pass recorded."""
        out = self.out
        return inner if out is None else inner @ out

    @abstractmethod
    def along(self, directions: Float[Tensor, "d_model ..."], norms: Norms = "fold") -> Float[Tensor, "row ..."] | None:
        """What each token, position or unit makes it store along some directions; None for a constant."""

    def given(self, tokens: Int[Tensor, "*any"], positions: Int[Tensor, "*some"]) -> Tensor | None:
        """The store, where it follows from a prompt's tokens or their positions alone; None where a pass decides it."""
        return None


@dataclass(frozen=True, eq=False)
class RowWriting(Writing):
    """A writer that stores rows of a matrix, or sums of them."""

    @property
    @abstractmethod
    def rows(self) -> Float[Tensor, "row d_model"]:
        """The matrix, in the number format of the file. Raises BadCheckpoint where it is not finite."""

    @property
    def height(self) -> int:
        """How many rows the matrix has."""
        return self.rows.shape[0]

    def map(self, norms: Norms = "fold") -> Float[Tensor, "source d_model"]:
        """Return the matrix, widened."""
        return self.weights.wide(self.rows)

    def along(self, directions: Float[Tensor, "d_model ..."], norms: Norms = "fold") -> Float[Tensor, "row ..."] | None:
        """Each row along some directions."""
        rows = self.map(norms)
        return rows @ directions.to(rows)
