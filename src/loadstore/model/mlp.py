"""The forward computation of an MLP."""

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from loadstore.model.architecture import Architecture
from loadstore.model.layers import MlpLayer
from loadstore.model.mlp_facts import Activation
from loadstore.model.norms import normalise
from loadstore.model.routing import routing


def activate(x: Tensor, activation: Activation) -> Tensor:
    """Apply the activation entrywise; SoLU multiplies each entry by its softmax."""
    match activation:
        case "gelu":
            return F.gelu(x)
        case "gelu_tanh":
            return F.gelu(x, approximate="tanh")
        case "silu":
            return F.silu(x)
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
    assert shape.mlp is not None
    stored = _units(x, mlp, shape.mlp.activation, shape.eps)
    if mlp.experts is None:
        return stored
    assert shape.experts is not None
    if mlp.experts.W_shared is not None:
        stored = stored * (x @ mlp.experts.W_shared).sigmoid()
    weights = routing(x, mlp.experts, shape.experts) if weights is None else weights
    for index in (weights != 0).flatten(0, -2).any(0).nonzero().flatten().tolist():
        at = (weights[..., index] != 0).nonzero(as_tuple=True)
        part = _units(x[at], mlp.experts[index], shape.mlp.activation, shape.eps) * weights[..., index][at][:, None]
        stored = stored.index_put(at, part, accumulate=True)
    return stored


def _units(
    x: Float[Tensor, "*any d_model"], mlp: MlpLayer, activation: Activation, eps: float
) -> Float[Tensor, "*any d_model"]:
    inside = _plus(x @ mlp.W_in, mlp.b_in)
    if mlp.W_gate is None:
        inside = activate(inside, activation)
    else:
        inside = activate(_plus(x @ mlp.W_gate, mlp.b_gate), activation) * inside
    inside = inside if mlp.inner is None else normalise(inside, mlp.inner, eps)[0]
    return _plus(inside @ mlp.W_out, mlp.b_out)


def _plus(x: Tensor, bias: Tensor | None) -> Tensor:
    return x if bias is None else x + bias
