"""The attention output bias b_O of a layer, as a separate writer."""

from dataclasses import dataclass

from jaxtyping import Float, Int
from torch import Tensor

from loadstore.model.ports.writers import Norms, Rows, RowWriting


@dataclass(frozen=True, eq=False)
class BiasWriting(RowWriting):
    """``L0.bias``."""

    @property
    def row_is(self) -> Rows:
        """Empty: a constant has no source rows."""
        return ""

    @property
    def rows(self) -> Float[Tensor, "1 d_model"]:
        """b_O as the only row."""
        bias = self.weights.layers[self.writer.layer].b_O
        assert bias is not None
        return bias[None]

    @property
    def constant(self) -> Float[Tensor, " d_model"]:
        """b_O, widened."""
        return self.map()[0]

    def map(self, norms: Norms = "fold") -> Float[Tensor, "1 d_model"]:
        """Return b_O as the only row, widened."""
        return self.weights.stored(self.rows)

    def given(self, tokens: Int[Tensor, "*any"], positions: Int[Tensor, "*some"]) -> Tensor:
        """The same constant at every token."""
        return self.constant.expand(*tokens.shape, -1)

    def along(self, directions: Float[Tensor, "d_model ..."], norms: Norms = "fold") -> None:
        """None: a constant has no source that could vary it."""
        return
