"""Fresh parameters, as a recipe says."""

import math

import torch
from torch import Tensor
from torch.nn import Parameter

from loadstore.model.architecture import Architecture
from loadstore.training.parameters import Parameters
from loadstore.training.recipe import Recipe


def initial(recipe: Recipe, generator: torch.Generator) -> Parameters:
    """Fresh parameters as the recipe's ``start`` says: matrices random, gains one, biases zero."""
    shape, start = recipe.architecture, recipe.start
    d, inside, kv = shape.d_model, shape.n_heads * shape.d_head, shape.kv_heads * shape.d_head

    def normal(*size: int, std: float) -> Tensor:
        return torch.randn(*size, generator=generator) * std

    def orthogonal(count: int) -> Tensor:
        return torch.linalg.qr(normal(d, d, std=1.0))[0][:, :count].mT

    def positions() -> Tensor:
        if not start.pos_frequencies:
            return normal(shape.context, d, std=start.pos_amplitude)
        angles = torch.arange(shape.context)[:, None] * torch.tensor(start.pos_frequencies)
        waves = torch.cat([angles.sin(), angles.cos()], 1) * start.pos_amplitude
        return waves @ orthogonal(waves.shape[1])

    spectrum = torch.arange(1, d + 1).pow(-start.embed_decay / 2)
    spectrum = spectrum / spectrum.square().mean().sqrt()
    values = {"W_E": normal(shape.vocab, d, std=start.embed) * spectrum @ orthogonal(d)}
    if shape.has_pos:
        values["W_pos"] = positions()
    if not recipe.tied:
        values["W_U"] = normal(d, shape.vocab, std=start.unembed)
    for layer in range(shape.n_layers):
        for side, size in (("Q", (d, inside)), ("K", (d, kv)), ("V", (d, kv)), ("O", (inside, d))):
            values[f"{layer}.{side}"] = normal(*size, std=(0.5 if side == "O" else 1.0) / math.sqrt(d))
        if shape.mlp is not None:
            for name in ("W_in", "W_gate") if shape.mlp.gated else ("W_in",):
                values[f"{layer}.{name}"] = normal(d, shape.mlp.width, std=1 / math.sqrt(d))
            values[f"{layer}.W_out"] = normal(shape.mlp.width, d, std=0.5 / math.sqrt(shape.mlp.width))
    values |= _vectors(shape, bias=recipe.bias)
    kind = getattr(torch, recipe.dtype)
    return {name: Parameter(value.to(kind).contiguous()) for name, value in values.items()}


def _vectors(shape: Architecture, *, bias: bool) -> dict[str, Tensor]:
    """Gains and biases."""
    d, values = shape.d_model, dict[str, Tensor]()

    def norm(name: str) -> None:
        if shape.norm != "none":
            values[f"{name}.gain"] = torch.ones(d)
        if shape.norm == "layer":
            values[f"{name}.bias"] = torch.zeros(d)

    for layer in range(shape.n_layers):
        norm(f"{layer}.norm")
        sizes = {"b_Q": shape.n_heads, "b_K": shape.kv_heads, "b_V": shape.kv_heads}
        biases = {name: heads * shape.d_head for name, heads in sizes.items()} | {"b_O": d}
        if shape.mlp is not None:
            norm(f"{layer}.mlp_norm")
            biases |= {"b_in": shape.mlp.width, "b_out": d} | ({"b_gate": shape.mlp.width} if shape.mlp.gated else {})
        if bias:
            values |= {f"{layer}.{name}": torch.zeros(size) for name, size in biases.items()}
    norm("final_norm")
    return values
