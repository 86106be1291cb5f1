"""Multi-head latent attention: heads load through a few numbers of each token, which a norm of their own divides.

    c = x W + b,   σ² = mean c² + ε        keys = [x W_R | (c/σ) γ W_U],  values = (c/σ) γ W_V

All heads of a layer share the latent c. The products W diag(γ) W_U are parts of the heads' own W_K, W_V or W_Q; only
1/σ stands between, one number of each token, which a pass records as it does the scale of any norm. W_R makes a rotary
key that all heads share; it reads x itself, and is not divided. Source: DeepSeek-AI, DeepSeek-V2, 2024, section 2.1.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True)
class Latent:
    """The projection to a latent, and the ε of its norm.

    ``direct``: how many of the columns of a head's matrix, the first ones, read x itself and not the latent.
    """

    W: Float[Tensor, "d_model rank"]
    b: Float[Tensor, " rank"] | None = None
    direct: int = 0
    eps: float = 1e-6

    @property
    def rank(self) -> int:
        """How many numbers of a token it holds."""
        return self.W.shape[1]

    def of(self, x: Float[Tensor, "*any d_model"]) -> Float[Tensor, "*any rank"]:
        """The latent of normed streams."""
        return x @ self.W if self.b is None else x @ self.W + self.b

    def scale(self, c: Float[Tensor, "*any rank"], width: int) -> Float[Tensor, "*any width"]:
        """What ``width`` columns of a head are multiplied by: 1/σ of the latent c, 1 for direct ones."""
        inverse = (c.pow(2).mean(-1, keepdim=True) + self.eps).rsqrt().expand(*c.shape[:-1], width - self.direct)
        return torch.cat([torch.ones_like(inverse[..., :1]).expand(*c.shape[:-1], self.direct), inverse], -1)

    def typical(self, folded: Float[Tensor, "d_model rank"], width: int) -> Float[Tensor, " width"]:
        """The same for a typical token: σ² is the mean square of the latent of a random stream of mean square 1.

        σ² = ‖N W‖²_F / rank, with the norm N before the heads folded into W. Whatever multiplies W cancels then, as it
        does in the model.
        """
        root = (folded.double().square().sum() / self.rank).sqrt().to(folded)
        return self.scale(root[None].expand(self.rank), width)
