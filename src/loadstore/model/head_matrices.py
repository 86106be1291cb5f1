"""The matrices of one head, in the compute dtype."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from loadstore.sites import Side


@dataclass(frozen=True)
class HeadMatrices:
    """What belongs to one query head, widened: its own W_Q and W_O, the W_K and W_V that it reads."""

    W_Q: Float[Tensor, "d_model d_head"]
    W_K: Float[Tensor, "d_model d_head"]
    W_V: Float[Tensor, "d_model d_value"]
    W_O: Float[Tensor, "d_value d_model"]
    b_Q: Float[Tensor, " d_head"] | None
    b_K: Float[Tensor, " d_head"] | None
    b_V: Float[Tensor, " d_value"] | None

    def side(self, side: Side) -> tuple[Float[Tensor, "d_model inside"], Float[Tensor, " inside"] | None]:
        """Matrix and bias of one side."""
        return {"Q": (self.W_Q, self.b_Q), "K": (self.W_K, self.b_K), "V": (self.W_V, self.b_V)}[side]
