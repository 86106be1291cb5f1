"""Attention patterns: softmax over the keys that a query may see, and what is loaded with them.

A query sees no later key, so queries are taken in blocks, and a block is not multiplied with the keys behind it. Of 512
tokens that saves three eighths of the products.
"""

from collections.abc import Iterator

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from loadstore.axes import HeadValues, Mixed, Patterns
from loadstore.model.architecture import Architecture
from loadstore.model.recency import entering
from loadstore.model.sinks import softmax_beside

BLOCK = 128  # queries


def allowed(tokens: int, window: int | None = None, device: torch.device | None = None) -> Bool[Tensor, "query key"]:
    """Which keys a query may see: none later, and at most ``window`` of them, its own included."""
    mask = torch.ones(tokens, tokens, dtype=torch.bool, device=device).tril()
    return mask if window is None else mask.triu(1 - window)


def causal_softmax(
    scores: Float[Tensor, "batch head query key"],
    window: int | None = None,
    sinks: Float[Tensor, " head"] | None = None,
) -> Float[Tensor, "batch head query key"]:
    """Softmax over the keys that a query may see and the sinks of the heads, whose weights are left out.

    The queries are those of the last keys.
    """
    queries, keys = scores.shape[-2:]
    seen = allowed(keys, window, scores.device)[keys - queries :]
    return softmax_beside(scores.masked_fill(~seen, -torch.inf), sinks)


def patterns(
    shape: Architecture, q: HeadValues, k: HeadValues, window: int | None, sinks: Float[Tensor, " head"] | None
) -> Patterns:
    """The patterns of all heads of a layer."""
    q, k = q.transpose(1, 2), k.transpose(1, 2)
    if torch.is_grad_enabled() and (q.requires_grad or k.requires_grad):
        return causal_softmax(entering(shape, q @ k.mT), window, sinks)
    pattern = q.new_empty(*q.shape[:3], k.shape[2])
    for low, high in _blocks(q.shape[2]):
        scores = entering(shape, q[:, :, low:high] @ k[:, :, :high].mT)
        if window is None:  # the earlier keys are seen by all queries of the block
            scores[..., low:] += torch.full_like(scores[0, 0, :, low:], -torch.inf).triu(1)
            weights = softmax_beside(scores, sinks)
        else:
            weights = causal_softmax(scores, window, sinks)
        pattern[:, :, low:high, :high] = weights
        pattern[:, :, low:high, high:] = 0
    return pattern


def loaded(pattern: Patterns, v: Mixed) -> Mixed:
    """A v of all heads of a layer."""
    v = v.transpose(1, 2)
    parts = [pattern[:, :, low:high, :high] @ v[:, :, :high] for low, high in _blocks(v.shape[2])]
    return torch.cat(parts, 2).transpose(1, 2)


def _blocks(tokens: int) -> Iterator[tuple[int, int]]:
    for low in range(0, tokens, BLOCK):
        yield low, min(low + BLOCK, tokens)
