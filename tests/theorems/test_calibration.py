"""Heads of random matrices meet at random: p rejects as often as it says, through the whole engine."""

import numpy as np
import torch
from each import each

import loadstore as ls
from loadstore.model.architecture import Architecture
from loadstore.model.layers import Layer
from loadstore.model.weights import Weights

D, HEADS, LAYERS, LEVEL = 32, 20, 3, 0.01


def random_heads(rank: int, decay: float, seed: int) -> Weights:
    """A model of Gaussian matrices; the inner directions of a head fall off by ``decay`` from one to the next."""
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    fall = decay ** torch.arange(rank, dtype=torch.float64)
    layers = tuple(
        Layer(
            W_Q=draw(HEADS, D, rank) * fall,
            W_K=draw(HEADS, D, rank) * fall,
            W_V=draw(HEADS, D, rank) * fall,
            W_O=draw(HEADS, rank, D),
        )
        for _ in range(LAYERS)
    )
    shape = Architecture(LAYERS, HEADS, D, rank, 40, 8, "none")
    return Weights(architecture=shape, W_E=draw(40, D), W_pos=None, layers=layers, W_U=draw(D, 40), name="random")


@each(("rank", "decay"), [(2, 1.0), (4, 1.0), (4, 0.5), (8, 0.7), (16, 1.0)])
def test_one_wire_in_a_hundred_is_rejected_at_one_per_cent(rank: int, decay: float) -> None:
    tails: list[float] = []
    for seed in range(2):
        p = ls.subspace_scores(random_heads(rank, decay, seed), where="L*.H* -> L*.H*").p.values
        tails += p[np.isfinite(p)].tolist()
    assert len(tails) == 2 * 3 * 3 * HEADS**2
    rejected = float((np.array(tails) < LEVEL).mean())
    print(f"rank {rank}, decay {decay}: {rejected:.2%} of {len(tails):,} wires")
    assert 0.005 <= rejected <= 0.02
