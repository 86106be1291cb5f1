"""Attention sinks: a learned score b of each head that competes with the keys of every row and has no value.

    A_ij = exp s_ij / (exp b + Σ_j′ exp s_ij′)        the sink takes the rest of the row, 1 − Σ_j A_ij

No writer stores a sink and no reader loads it. Where the contrast of a row is divided among writers, it belongs to
``const``. Source: OpenAI, gpt-oss-120b and gpt-oss-20b Model Card, 2025.
"""

import torch
from jaxtyping import Float
from torch import Tensor


def beside_sinks(
    scores: Float[Tensor, "*batch head query key"], sinks: Float[Tensor, " head"] | None
) -> Float[Tensor, "*batch head query more"]:
    """Scores with those of the sinks as one more key, the last; unchanged without sinks."""
    if sinks is None:
        return scores
    return torch.cat([scores, sinks[:, None, None].expand(*scores.shape[:-1], 1)], -1)


def softmax_beside(
    scores: Float[Tensor, "*batch head query key"], sinks: Float[Tensor, " head"] | None
) -> Float[Tensor, "*batch head query key"]:
    """Softmax over keys and sink, without the sink's own weight."""
    return beside_sinks(scores, sinks).softmax(-1)[..., : scores.shape[-1]]


def taken(pattern: Float[Tensor, "*any key"], sinks: Tensor | None) -> Float[Tensor, "*any"]:
    """The weight of the sink in each row, so that the row sums to 1 with it; zeros without sinks."""
    rows = pattern.sum(-1)
    return torch.zeros_like(rows) if sinks is None else (1 - rows).clamp(min=0)


def whole(pattern: Float[Tensor, "*any key"], sinks: Tensor | None) -> Float[Tensor, "*any more"]:
    """A pattern with the weights of the sink as one more key, the last; unchanged without sinks."""
    return pattern if sinks is None else torch.cat([pattern, taken(pattern, sinks)[..., None]], -1)
