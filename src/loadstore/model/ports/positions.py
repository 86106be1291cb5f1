"""Positions as a writer: learned ones are stored in the stream; shortformer ones bypass the stream and the norms."""

from dataclasses import dataclass

from jaxtyping import Float, Int
from torch import Tensor

from loadstore.model.ports.writers import Rows, RowWriting


@dataclass(frozen=True, eq=False)
class PosWriting(RowWriting):
    """``pos``."""

    @property
    def row_is(self) -> Rows:
        """One row per position."""
        return "positions"

    @property
    def rows(self) -> Float[Tensor, "ctx d_model"]:
        """W_pos."""
        assert self.weights.W_pos is not None
        return self.weights.W_pos

    @property
    def bypasses_norm(self) -> bool:
        """Whether positions are added to the inputs of Q and K after the norm."""
        return self.weights.architecture.positions_bypass_norm

    def given(self, tokens: Int[Tensor, "*any"], positions: Int[Tensor, "*some"]) -> Tensor:
        """The rows of the given positions. Raises BadCheckpoint if an entry is not finite."""
        return self.weights.wide(self.weights.read(self.rows[positions], of=self.rows))
