"""The trainable tensors: flat matrices for the optimiser, seen as Weights by the forward pass."""

import math

import torch
from torch import Tensor
from torch.nn import Parameter

from loadstore.model.architecture import Architecture
from loadstore.model.weights import Layer, Weights
from loadstore.tokenizer.tokens import Tokens
from loadstore.training.recipe import Recipe

Parameters = dict[str, Parameter]
SIDES = ("Q", "K", "V", "O")


def architecture_of(recipe: Recipe) -> Architecture:
    """The machine that a recipe trains: shortformer positions, no norm, no bias."""
    return Architecture(
        n_layers=recipe.n_layers,
        n_heads=recipe.n_heads,
        d_model=recipe.d_model,
        d_head=recipe.d_head,
        vocab=recipe.vocab,
        context=recipe.context,
        positions="shortformer",
    )


def initial(recipe: Recipe, generator: torch.Generator) -> Parameters:
    """Fresh parameters as the recipe's ``start`` says."""
    d, inside, start = recipe.d_model, recipe.n_heads * recipe.d_head, recipe.start

    def normal(*shape: int, std: float) -> Tensor:
        return torch.randn(*shape, generator=generator) * std

    def orthogonal(count: int) -> Tensor:
        return torch.linalg.qr(normal(d, d, std=1.0))[0][:, :count].mT

    spectrum = torch.arange(1, d + 1).pow(-start.embed_decay / 2)
    spectrum = spectrum / spectrum.square().mean().sqrt()
    angles = torch.arange(recipe.context)[:, None] * torch.tensor(start.pos_frequencies)
    waves = torch.cat([angles.sin(), angles.cos()], 1) * start.pos_amplitude
    values = {
        "W_E": normal(recipe.vocab, d, std=start.embed) * spectrum @ orthogonal(d),
        "W_pos": waves @ orthogonal(waves.shape[1]),
        "W_U": normal(d, recipe.vocab, std=start.unembed),
    }
    for layer in range(recipe.n_layers):
        for side in SIDES:
            shape = (inside, d) if side == "O" else (d, inside)
            values[f"{layer}.{side}"] = normal(*shape, std=(0.5 if side == "O" else 1.0) / math.sqrt(d))
    return {name: Parameter(value.contiguous()) for name, value in values.items()}


def as_weights(recipe: Recipe, parameters: Parameters, tokens: Tokens | None = None) -> Weights:
    """View the flat matrices as Weights, without copying; gradients flow through."""

    def per_head(layer: int, side: str) -> Tensor:
        flat = parameters[f"{layer}.{side}"]
        if side == "O":
            return flat.unflatten(0, (recipe.n_heads, recipe.d_head))
        return flat.unflatten(1, (recipe.n_heads, recipe.d_head)).transpose(0, 1)

    layers = tuple(
        Layer(W_Q=per_head(layer, "Q"), W_K=per_head(layer, "K"), W_V=per_head(layer, "V"), W_O=per_head(layer, "O"))
        for layer in range(recipe.n_layers)
    )
    return Weights(
        architecture=architecture_of(recipe),
        W_E=parameters["W_E"],
        W_pos=parameters["W_pos"],
        layers=layers,
        W_U=parameters["W_U"],
        name=recipe.name,
        tokens=tokens,
    )


def closed_columns(recipe: Recipe, open_heads: tuple[int, ...], name: str) -> slice | None:
    """Which part of a flat matrix belongs to heads that a phase keeps closed; None when all learn."""
    layer, _, side = name.partition(".")
    if side not in SIDES or not open_heads or open_heads[int(layer)] >= recipe.n_heads:
        return None
    return slice(open_heads[int(layer)] * recipe.d_head, None)


def close_heads(recipe: Recipe, open_heads: tuple[int, ...], parameters: Parameters) -> None:
    """Keep closed heads silent and unlearning: their W_O stays zero and their gradients are dropped."""
    for name, parameter in parameters.items():
        part = closed_columns(recipe, open_heads, name)
        if part is None:
            continue
        rows = name.endswith("O")
        if rows:
            parameter.data[part] = 0
        if parameter.grad is not None:
            if rows:
                parameter.grad[part] = 0
            else:
                parameter.grad[:, part] = 0
