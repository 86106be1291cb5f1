"""Linear maps of a live model: a submodule whose result is x W + b of its own weight, stored either way round."""

from dataclasses import dataclass
from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

from loadstore.checkpoints.structure.differs import PIECE, apart
from loadstore.checkpoints.structure.passes import Call


@dataclass(frozen=True)
class Linear:
    """A linear map by its name. ``flipped``: stored [out, in]. ``given``, ``result``: x and x W + b of a pass."""

    name: str
    flipped: bool
    given: Tensor
    result: Tensor

    def weight(self, source: nn.Module) -> Float[Tensor, "into out"]:
        """W, a view of the parameter of ``source``."""
        held: Any = source.get_submodule(self.name)
        stored: Tensor = held.weight.detach()
        return stored.mT if self.flipped else stored

    def bias(self, source: nn.Module) -> Float[Tensor, " out"] | None:
        """The parameter b of ``source``, None if there is none."""
        bias: object = getattr(source.get_submodule(self.name), "bias", None)
        return bias.detach() if isinstance(bias, Tensor) else None


def linear_of(model: nn.Module, call: Call, eps: float) -> Linear | None:
    """Return the linear map that a call computed, None if it is not one.

    Args:
        model: The live model.
        call: A call of one of its submodules.
        eps: ε of the pass.
    """
    if not has_matrix(model, call):
        return None
    for flipped in (True, False):
        linear = Linear(call.name, flipped, call.given, call.result)
        W, b = linear.weight(model), linear.bias(model)
        if W.shape != (call.given.shape[-1], call.result.shape[-1]) or W.dtype != call.given.dtype:
            continue
        out = call.given @ W
        if apart(out if b is None else out + b, call.result) <= PIECE * eps:
            return linear
    return None


def has_matrix(model: nn.Module, call: Call) -> bool:
    """Whether a call is of a submodule whose weight is a matrix between the widths of its input and of its result."""
    weight: object = getattr(model.get_submodule(call.name), "weight", None)
    if not isinstance(weight, Tensor) or weight.dim() != 2 or not call.given.is_floating_point():
        return False
    return sorted(weight.shape) == sorted((call.given.shape[-1], call.result.shape[-1]))
