"""ALiBi: a score falls by its head's slope m for every token between query and key, c q·k − m (i − j).

No writer stores this bias and no reader loads it. Where a score is divided among writers, it belongs to ``const``.
Source: Press, Smith and Lewis, Train Short, Test Long, 2022.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from loadstore.model.architecture import Architecture
from loadstore.model.caps import capped
from loadstore.sites import Head


def recency(
    shape: Architecture, size: Sequence[int], like: Tensor, heads: Sequence[int] | None = None
) -> Float[Tensor, "head query key"] | None:
    """The bias −m (i − j) of every pair; None without ALiBi.

    Args:
        shape: The architecture.
        size: How many queries there are, the last ones of the tokens, and how many tokens.
        like: A tensor of the dtype and device of the result.
        heads: The heads, all of them if None.
    """
    if shape.slopes is None:
        return None
    queries, keys = size
    slopes = torch.tensor(shape.slopes, dtype=torch.float64)
    slopes = slopes if heads is None else slopes[list(heads)]
    distance = torch.arange(keys - queries, keys)[:, None] - torch.arange(keys)
    return (-slopes[:, None, None] * distance).to(like)


def recency_of(shape: Architecture, head: Head, at: int, like: Tensor) -> Float[Tensor, " key"]:
    """The bias of one query on the keys up to its own; zeros without ALiBi."""
    bias = recency(shape, (1, at + 1), like, [head.index])
    return like.new_zeros(at + 1) if bias is None else bias[0, 0]


def entering(
    shape: Architecture, products: Float[Tensor, "*batch head query key"], heads: Sequence[int] | None = None
) -> Float[Tensor, "*batch head query key"]:
    """What enters the softmax, from q·k: scaled, behind a soft cap, with ALiBi. The queries are those of the last keys.

    ``heads``: which heads the products are of, all of them if None.
    """
    scores = capped(products * shape.attention_scale, shape.score_cap)
    bias = recency(shape, products.shape[-2:], scores, heads)
    return scores if bias is None else scores + bias
