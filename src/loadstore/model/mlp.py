"""The forward computation of an MLP."""

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from loadstore.model.layers import MlpLayer
from loadstore.model.mlp_facts import Activation
from loadstore.model.norms import normalise


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
    x: Float[Tensor, "batch token d_model"], mlp: MlpLayer, activation: Activation, eps: float
) -> Float[Tensor, "batch token d_model"]:
    """Return the store of an MLP: ``mlp_sum``, then the norm after it if there is one."""
    return normalise(mlp_sum(x, mlp, activation, eps), mlp.after, eps)[0]


def mlp_sum(
    x: Float[Tensor, "batch token d_model"], mlp: MlpLayer, activation: Activation, eps: float
) -> Float[Tensor, "batch token d_model"]:
    """Return act(x W_in + b_in) W_out + b_out; with a gate, act(x W_gate + b_gate) times the linear part inside.

    An inner LayerNorm, if present, is applied before W_out with this ``eps``.
    """
    inside = _plus(x @ mlp.W_in, mlp.b_in)
    if mlp.W_gate is None:
        inside = activate(inside, activation)
    else:
        inside = activate(_plus(x @ mlp.W_gate, mlp.b_gate), activation) * inside
    return _plus(normalise(inside, mlp.inner, eps)[0] @ mlp.W_out, mlp.b_out)


def _plus(x: Tensor, bias: Tensor | None) -> Tensor:
    return x if bias is None else x + bias
