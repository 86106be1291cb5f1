"""The forward computation of an MLP."""

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from loadstore.model.architecture import Architecture
from loadstore.model.layers import MlpLayer
from loadstore.model.mlp_facts import Activation, Mlp
from loadstore.model.norms import normalise
from loadstore.model.routing import router_scores, routing


def activate(x: Tensor, activation: Activation, slope: float = 1.0) -> Tensor:
    """Apply the activation entrywise; SoLU multiplies each entry by its softmax. ``slope``: α of x σ(α x) for silu."""
    match activation:
        case "gelu":
            return F.gelu(x)
        case "gelu_tanh":
            return F.gelu(x, approximate="tanh")
        case "silu":
            return F.silu(x) if slope == 1 else x * (slope * x).sigmoid()
        case "relu2":
            return F.relu(x).square()
        case "solu" | "solu_ln":
            return x * x.softmax(-1)
        case _:
            return F.relu(x)


def mlp_output(
    x: Float[Tensor, "batch token d_model"], mlp: MlpLayer, shape: Architecture
) -> Float[Tensor, "batch token d_model"]:
    """Return the store of an MLP: ``mlp_sum``, then the norm after it if there is one."""
    return normalise(mlp_sum(x, mlp, shape), mlp.after, shape.eps)[0]


def mlp_sum(
    x: Float[Tensor, "batch token d_model"],
    mlp: MlpLayer,
    shape: Architecture,
    weights: Float[Tensor, "batch token expert"] | None = None,
) -> Float[Tensor, "batch token d_model"]:
    """Return act(x W_in + b_in) W_out + b_out; with a gate, act(x W_gate + b_gate) times the linear part inside.

    An inner LayerNorm, if present, is applied before W_out. With experts, the sum of what those that a token uses
    store, each times its weight, and of what the units outside the experts store. ``weights``: these weights, where
    they are known.
    """
    stored = shared_store(x, mlp, shape)
    if mlp.experts is None:
        return stored
    if weights is None:
        assert shape.experts is not None
        weights = routing(router_scores(x, mlp.experts), mlp.experts, shape.experts)
    for index in used_experts(weights):
        stored = expert_store(x, index, mlp, shape, weights, onto=stored)
    return stored


def used_experts(weights: Float[Tensor, "batch token expert"]) -> list[int]:
    """The experts that any token uses."""
    return (weights != 0).flatten(0, -2).any(0).nonzero().flatten().tolist()


def shared_store(
    x: Float[Tensor, "batch token d_model"], mlp: MlpLayer, shape: Architecture
) -> Float[Tensor, "batch token d_model"]:
    """What the units outside the experts store, times their gate if there is one; without experts, what all store."""
    assert shape.mlp is not None
    stored = _units(x, mlp, shape.mlp, shape.eps)
    if mlp.experts is None or mlp.experts.W_shared is None:
        return stored
    return stored * (x @ mlp.experts.W_shared).sigmoid()


def expert_store(
    x: Float[Tensor, "batch token d_model"],
    index: int,
    mlp: MlpLayer,
    shape: Architecture,
    weights: Float[Tensor, "batch token expert"],
    onto: Float[Tensor, "batch token d_model"],
) -> Float[Tensor, "batch token d_model"]:
    """Return ``onto`` plus what one expert stores at the tokens that use it, times its weight there."""
    assert shape.mlp is not None
    assert mlp.experts is not None
    at = (weights[..., index] != 0).nonzero(as_tuple=True)
    part = _units(x[at], mlp.experts[index], shape.mlp, shape.eps) * weights[..., index][at][:, None]
    return onto.index_put(at, part, accumulate=True)


def _units(x: Float[Tensor, "*any d_model"], mlp: MlpLayer, facts: Mlp, eps: float) -> Float[Tensor, "*any d_model"]:
    inside = _plus(x @ mlp.W_in, mlp.b_in)
    if mlp.W_gate is None:
        inside = activate(inside, facts.activation, facts.slope)
    else:
        gate = _plus(x @ mlp.W_gate, mlp.b_gate)
        if facts.clip is not None:
            gate, inside = gate.clamp(max=facts.clip), inside.clamp(-facts.clip, facts.clip) + 1
        inside = activate(gate, facts.activation, facts.slope) * inside
    inside = inside if mlp.inner is None else normalise(inside, mlp.inner, eps)[0]
    return _plus(inside @ mlp.W_out, mlp.b_out)


def _plus(x: Tensor, bias: Tensor | None) -> Tensor:
    return x if bias is None else x + bias
