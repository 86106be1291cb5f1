"""The trainable tensors: flat matrices for the optimiser, seen as Weights by the forward pass."""

from torch import Tensor
from torch.nn import Module, Parameter

from loadstore.axes import Logits
from loadstore.axes import Tokens as Ids
from loadstore.execution.forward import forward
from loadstore.model.layers import Layer, MlpLayer, Norm
from loadstore.model.weights import Weights
from loadstore.tokenizer.tokens import Tokens
from loadstore.training.recipe import Recipe

Parameters = dict[str, Parameter]
SIDES = ("Q", "K", "V", "O")
INSIDE = ("W_in", "W_gate", "W_out")


class Machine(Module):
    """The parameters of a recipe as a torch module; its forward pass is the one that runs every model."""

    def __init__(self, recipe: Recipe, parameters: Parameters) -> None:
        super().__init__()
        self.recipe, self.named = recipe, parameters
        for name, parameter in parameters.items():
            self.register_parameter(name.replace(".", "_"), parameter)

    def forward(self, tokens: Ids, offset: int) -> Logits:
        """Logits of a batch whose first token is at position ``offset``."""
        return forward(as_weights(self.recipe, self.named), tokens, offset=offset)


def is_matrix(name: str) -> bool:
    """Whether a parameter is a matrix inside a layer, as opposed to an end of the machine, a gain or a bias."""
    return name.rpartition(".")[2] in (*SIDES, *INSIDE)


def as_weights(recipe: Recipe, parameters: Parameters, tokens: Tokens | None = None) -> Weights:
    """View the flat matrices as Weights, without copying; gradients flow through."""
    shape = recipe.architecture
    W_E = parameters["W_E"]
    return Weights(
        architecture=shape,
        W_E=W_E,
        W_pos=parameters.get("W_pos"),
        layers=tuple(_layer(recipe, parameters, f"{layer}.") for layer in range(shape.n_layers)),
        W_U=W_E.mT if recipe.tied else parameters["W_U"],
        final_norm=_norm(recipe, parameters, "final_norm"),
        name=recipe.name,
        tokens=tokens,
    )


def _layer(recipe: Recipe, parameters: Parameters, prefix: str) -> Layer:
    shape = recipe.architecture

    def per_head(side: str) -> Tensor:
        heads = shape.kv_heads if side in "KV" else shape.n_heads
        flat = parameters[prefix + side]
        if side == "O":
            return flat.unflatten(0, (heads, shape.d_head))
        return flat.unflatten(1, (heads, shape.d_head)).transpose(0, 1)

    def bias(side: str) -> Tensor | None:
        flat = parameters.get(f"{prefix}b_{side}")
        return None if flat is None else flat.unflatten(0, (-1, shape.d_head))

    mlp = None
    if shape.mlp is not None:
        mlp = MlpLayer(
            W_in=parameters[f"{prefix}W_in"],
            W_out=parameters[f"{prefix}W_out"],
            W_gate=parameters.get(f"{prefix}W_gate"),
            b_in=parameters.get(f"{prefix}b_in"),
            b_gate=parameters.get(f"{prefix}b_gate"),
            b_out=parameters.get(f"{prefix}b_out"),
            norm=_norm(recipe, parameters, f"{prefix}mlp_norm"),
        )
    return Layer(
        W_Q=per_head("Q"),
        W_K=per_head("K"),
        W_V=per_head("V"),
        W_O=per_head("O"),
        b_Q=bias("Q"),
        b_K=bias("K"),
        b_V=bias("V"),
        b_O=parameters.get(f"{prefix}b_O"),
        norm=_norm(recipe, parameters, f"{prefix}norm"),
        mlp=mlp,
    )


def _norm(recipe: Recipe, parameters: Parameters, name: str) -> Norm | None:
    if recipe.norm == "none":
        return None
    return Norm(parameters[f"{name}.gain"], parameters.get(f"{name}.bias"), centres=recipe.norm == "layer")


def closed_columns(recipe: Recipe, open_heads: tuple[int, ...], name: str) -> slice | None:
    """Which part of a flat matrix or bias belongs to heads that a phase keeps closed; None when all learn."""
    layer, _, side = name.rpartition(".")
    if side.removeprefix("b_") not in SIDES or side == "b_O" or not open_heads:
        return None
    opened = open_heads[int(layer)]
    return None if opened >= recipe.n_heads else slice(opened * recipe.d_head, None)


def close_heads(recipe: Recipe, open_heads: tuple[int, ...], parameters: Parameters) -> None:
    """Keep closed heads silent and unlearning: their W_O stays zero and their gradients are dropped."""
    for name, parameter in parameters.items():
        part = closed_columns(recipe, open_heads, name)
        if part is None:
            continue
        if name.endswith(".O"):
            parameter.data[part] = 0
        if parameter.grad is not None:
            parameter.grad[part if name.endswith(".O") else (..., part)] = 0
