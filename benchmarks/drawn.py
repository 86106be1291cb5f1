"""Random models of any size, with rotary positions, RMSNorms and gated MLPs, in float32."""

from typing import Any

import torch
from torch import Tensor

from loadstore.model.architecture import Architecture
from loadstore.model.layers import Layer, MlpLayer, Norm
from loadstore.model.mlp_facts import Mlp
from loadstore.model.rotary import Rotary
from loadstore.model.weights import Weights

VOCAB, CONTEXT = 512, 4096


def drawn(layers: int = 4, heads: int = 8, d_model: int = 256, d_head: int = 32) -> Weights:
    """A random model, always the same for the same sizes; its MLPs are twice as wide as the stream."""
    generator = torch.Generator().manual_seed(0)
    width = 2 * d_model

    def draw(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator) * shape[-2] ** -0.5

    def norm() -> Norm:
        return Norm(torch.ones(d_model), centres=False)

    def layer() -> Layer:
        mlp = MlpLayer(draw(d_model, width), draw(width, d_model), draw(d_model, width), norm=norm())
        sides: list[Any] = [draw(heads, d_model, d_head) for _ in range(3)]
        return Layer(*sides, draw(heads, d_head, d_model), norm=norm(), mlp=mlp)

    shape = Architecture(
        *(layers, heads, d_model, d_head, VOCAB, CONTEXT, "rotary", "rms"),
        rotary=Rotary.of(d_head, base=10_000.0, pairs="halves"),
        mlp=Mlp(width, gated=True, activation="silu"),
    )
    made = tuple(layer() for _ in range(layers))
    return Weights(shape, draw(VOCAB, d_model), None, made, draw(d_model, VOCAB), final_norm=norm(), name="drawn")
