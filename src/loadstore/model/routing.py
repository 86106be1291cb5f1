"""Which experts each token uses, and how much each of them counts."""

import torch
from jaxtyping import Float
from torch import Tensor

from loadstore.model.layers import Experts
from loadstore.model.mixture import Mixture

LEAST = 1e-20  # added to a sum of sigmoids, as the reference does


def routing(scores: Float[Tensor, "*any expert"], experts: Experts, mixture: Mixture) -> Float[Tensor, "*any expert"]:
    """The weight of every expert for every token, 0 for those that the token does not use.

    A gradient of it holds the choice. Where a change of scores changes the choice, the weights jump.
    """
    shares = scores.sigmoid() if mixture.scheme == "sigmoid" else scores.softmax(-1)
    chosen = _eligible(shares, experts, mixture).topk(mixture.chosen, -1).indices
    values = shares.gather(-1, chosen)
    if mixture.normalised:
        whole = values.sum(-1, keepdim=True)
        values = values / (whole if mixture.scheme == "softmax" else whole + LEAST)
    if mixture.scale != 1:
        values = values * mixture.scale
    return torch.zeros_like(shares).scatter(-1, chosen, values)


def router_scores(x: Float[Tensor, "*any d_model"], experts: Experts) -> Float[Tensor, "*any expert"]:
    """The scores of the experts: x W_router, plus b_router where there is one."""
    scores = x @ experts.W_router
    return scores if experts.b_router is None else scores + experts.b_router


def _eligible(shares: Float[Tensor, "*any expert"], experts: Experts, mixture: Mixture) -> Float[Tensor, "*any expert"]:
    """The shares by which experts are chosen: with b_choice, and −∞ outside the groups of a token."""
    judged = shares if experts.b_choice is None else shares + experts.b_choice
    if mixture.groups == mixture.chosen_groups:
        return judged
    grouped = judged.unflatten(-1, (mixture.groups, -1))
    best = grouped.topk(mixture.judged_by, -1).values.sum(-1).topk(mixture.chosen_groups, -1).indices
    outside = torch.ones_like(grouped[..., 0], dtype=torch.bool).scatter(-1, best, False)  # noqa: FBT003
    return grouped.masked_fill(outside[..., None], -torch.inf).flatten(-2)
