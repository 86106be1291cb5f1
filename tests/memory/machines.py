"""Planted machines of known memory, and texts for them."""

from dataclasses import replace

import planted as p
import torch
from torch import Tensor

from loadstore.model.weights import Weights


def texts(model: Weights, count: int = 16, length: int = 16, seed: int = 0) -> list[Tensor]:
    """Documents of random tokens of the planted vocabulary, each after BOS."""
    generator = torch.Generator().manual_seed(seed)
    longest = min(length, model.architecture.context)
    drawn = torch.randint(1, model.architecture.vocab, (count, longest), generator=generator)
    drawn[:, 0] = 0
    return list(drawn)


def with_repeater(model: Weights) -> Weights:
    """A third layer whose head attends to its own token and stores S once more: W_OV = projector on S."""
    cleaner = p.with_clean_up(model)
    last = replace(cleaner.layers[2], W_O=-cleaner.layers[2].W_O)
    return replace(cleaner, layers=(*cleaner.layers[:2], last), name="planted, repeated")


def with_clean_up_and_repeater() -> Weights:
    """The previous-token head's S is stored once more in layer 2 and removed in layer 3."""
    repeated, cleaned = with_repeater(p.planted()), p.with_clean_up(p.planted())
    shape = replace(repeated.architecture, n_layers=4)
    return replace(repeated, architecture=shape, layers=(*repeated.layers, cleaned.layers[2]), name="planted, both")
