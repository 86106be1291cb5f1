"""Which experts each token uses, and how much each of them counts."""

import torch
from jaxtyping import Float
from torch import Tensor

from loadstore.model.layers import Experts
from loadstore.model.mixture import Mixture


def routing(x: Float[Tensor, "*any d_model"], experts: Experts, mixture: Mixture) -> Float[Tensor, "*any expert"]:
    """The weight of every expert for every token, 0 for those that the token does not use.

    A gradient of it holds the choice. Where a change of x changes the choice, the weights jump.
    """
    shares = (x @ experts.W_router).softmax(-1)
    values, chosen = shares.topk(mixture.chosen, -1)
    if mixture.normalised:
        values = values / values.sum(-1, keepdim=True)
    return torch.zeros_like(shares).scatter(-1, chosen, values)
