"""What kind of MLP every layer of a model has: sizes and schemes, nothing learned."""

from dataclasses import dataclass, fields
from typing import Any, Literal, cast

from loadstore.errors import NotThisModel
from loadstore.quote import one_of

Activation = Literal["gelu", "gelu_tanh", "silu", "relu", "relu2", "solu", "solu_ln"]
ACTIVATIONS: tuple[Activation, ...] = ("gelu", "gelu_tanh", "silu", "relu", "relu2", "solu", "solu_ln")
MOST_WIDTH = 1 << 20


@dataclass(frozen=True, slots=True)
class Mlp:
    """An MLP of every layer: how wide, whether a gate multiplies, which activation; ``parallel`` to attention or after.

    ``solu`` is x · softmax(x), ``solu_ln`` the same with a LayerNorm after it (Elhage et al. 2022, Softmax Linear
    Units). Raises NotThisModel on an impossible width or an unknown activation.
    """

    width: int
    gated: bool
    activation: Activation
    parallel: bool = False

    def __post_init__(self) -> None:
        if type(self.width) is not int or not 1 <= self.width <= MOST_WIDTH:
            raise NotThisModel(f"an MLP of width {self.width!r} is impossible: expected 1 to {MOST_WIDTH}")
        if type(self.gated) is not bool or type(self.parallel) is not bool:
            raise NotThisModel("an MLP is gated or not and parallel or not: expected true or false")
        if self.activation not in ACTIVATIONS:
            raise NotThisModel(f"activation {self.activation!r} is not supported; use {one_of(ACTIVATIONS)}")


def as_mlp(facts: object) -> Mlp | None:
    """Read what a file says of its MLPs. Raises NotThisModel unless it is None or an Mlp's facts."""
    if facts is None or isinstance(facts, Mlp):
        return facts
    if not isinstance(facts, dict) or set(facts) != {each.name for each in fields(Mlp)}:
        raise NotThisModel("MLPs are stated as an object of width, gated, activation and parallel")
    return Mlp(**cast("dict[str, Any]", facts))
