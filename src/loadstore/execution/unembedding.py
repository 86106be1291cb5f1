"""The unembedding: logits of what it reads."""

import torch

from loadstore.axes import Logits, Stream
from loadstore.model.caps import capped
from loadstore.model.weights import Weights
from loadstore.threads import threads_for

TILE = 8192  # columns of the vocabulary


def unembed(weights: Weights, x: Stream) -> Logits:
    """The logits of what the unembedding reads, behind a soft cap where there is one."""
    return capped(linear_logits(weights, x), weights.architecture.logit_cap)


def linear_logits(weights: Weights, x: Stream) -> Logits:
    """x W_U + b_U; a W_U that is stored narrow widens a tile of the vocabulary at a time."""
    with threads_for(x.shape[:-1].numel() * weights.W_U.numel()):
        if (weights.W_U.dtype, weights.W_U.device) == (x.dtype, x.device):
            logits = x @ weights.read(weights.W_U)
        else:
            logits = torch.cat([x @ weights.wide(tile) for tile in weights.W_U.split(TILE, 1)], -1)
    return logits if weights.b_U is None else logits + weights.wide(weights.b_U)
