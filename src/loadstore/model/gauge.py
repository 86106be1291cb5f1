"""Exact rewrites that change head numbers or the basis of the stream, but no output of the model."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from loadstore.errors import BadRequest, Undefined
from loadstore.model.latent import Latent
from loadstore.model.layers import Layer, MlpLayer
from loadstore.model.norms import of_heads
from loadstore.model.weights import Weights


def permute_heads(weights: Weights, layer: int, order: Sequence[int]) -> Weights:
    """Renumber the heads of one layer: new head i is old head ``order[i]``.

    Raises BadRequest if ``order`` is not a permutation, Undefined if heads share keys and values or have slopes.
    """
    if sorted(order) != list(range(weights.architecture.n_heads)):
        raise BadRequest(f"{list(order)} is not a permutation of the {weights.architecture.n_heads} heads")
    if weights.architecture.kv_heads != weights.architecture.n_heads:
        raise Undefined(f"heads of {weights.name} share keys and values; they cannot be renumbered one by one")
    if weights.architecture.slopes is not None:
        raise Undefined(f"ALiBi gives heads of {weights.name} a slope by their number; they cannot be renumbered")
    index = torch.tensor(list(order))
    old = weights.layers[layer]

    def take(tensor: Tensor | None) -> Tensor | None:
        return None if tensor is None else tensor[index]

    new = replace(
        old,
        W_Q=old.W_Q[index],
        W_K=old.W_K[index],
        W_V=old.W_V[index],
        W_O=old.W_O[index],
        b_Q=take(old.b_Q),
        b_K=take(old.b_K),
        b_V=take(old.b_V),
        q_norm=of_heads(old.q_norm, order),
        k_norm=of_heads(old.k_norm, order),
        sinks=take(old.sinks),
    )
    return replace(weights, layers=(*weights.layers[:layer], new, *weights.layers[layer + 1 :]))


def rotate_stream(weights: Weights, rotation: Float[Tensor, "d_model d_model"]) -> Weights:
    """Express the whole stream in another orthonormal basis: writers W R, readers Rᵀ W; outputs are unchanged.

    Raises Undefined if a norm centres or has a gain or bias, because both are tied to the given basis.
    """
    norms = [layer.norm for layer in weights.layers] + [weights.final_norm]
    norms += [layer.after_heads for layer in weights.layers]
    norms += [norm for layer in weights.layers if layer.mlp is not None for norm in (layer.mlp.norm, layer.mlp.after)]
    if any(norm is not None and (norm.centres or norm.gain is not None or norm.bias is not None) for norm in norms):
        raise Undefined(
            f"{weights.name} has norms with a mean or a gain, which fix the basis of the stream; it cannot be rotated"
        )

    def turn(layer: Layer) -> Layer:
        return replace(
            layer,
            W_Q=rotation.mT @ layer.W_Q,
            W_K=rotation.mT @ layer.W_K,
            W_V=rotation.mT @ layer.W_V,
            W_O=layer.W_O @ rotation,
            b_O=None if layer.b_O is None else layer.b_O @ rotation,
            q_latent=turn_latent(layer.q_latent),
            kv_latent=turn_latent(layer.kv_latent),
            mlp=None if layer.mlp is None else turn_mlp(layer.mlp),
        )

    def turn_latent(latent: Latent | None) -> Latent | None:
        return None if latent is None else replace(latent, W=rotation.mT @ latent.W)

    def turn_mlp(mlp: MlpLayer) -> MlpLayer:
        return replace(
            mlp,
            W_in=rotation.mT @ mlp.W_in,
            W_gate=None if mlp.W_gate is None else rotation.mT @ mlp.W_gate,
            W_out=mlp.W_out @ rotation,
            b_out=None if mlp.b_out is None else mlp.b_out @ rotation,
            experts=None if mlp.experts is None else mlp.experts.each(turn_mlp, lambda matrix: rotation.mT @ matrix),
        )

    return replace(
        weights,
        W_E=weights.W_E @ rotation,
        W_pos=None if weights.W_pos is None else weights.W_pos @ rotation,
        layers=tuple(turn(layer) for layer in weights.layers),
        W_U=rotation.mT @ weights.W_U,
    )
