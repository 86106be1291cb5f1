"""What kind of MLP every layer of a model has: sizes and schemes, nothing learned."""

from dataclasses import dataclass
from typing import Any, Literal, cast

from loadstore.errors import NotThisModel
from loadstore.model import possible
from loadstore.model.facts import complete, shown, stated
from loadstore.quote import one_of

Activation = Literal["gelu", "gelu_tanh", "silu", "relu", "relu2", "solu", "solu_ln"]
ACTIVATIONS: tuple[Activation, ...] = ("gelu", "gelu_tanh", "silu", "relu", "relu2", "solu", "solu_ln")
MOST_WIDTH = 1 << 20
LATER = frozenset(("slope", "clip"))


@dataclass(frozen=True, slots=True, repr=False)
class Mlp:
    """An MLP of every layer: how wide, whether a gate multiplies, which activation; ``parallel`` to attention or after.

    ``solu`` is x · softmax(x), ``solu_ln`` the same with a LayerNorm after it (Elhage et al. 2022, Softmax Linear
    Units). ``slope``: α of x σ(α x), which is silu for 1 (Swish). ``clip``: c, where a gated unit is
    act(min(g, c)) · (min(max(u, −c), c) + 1) of its gate g and its linear part u, as in GPT-OSS. Raises NotThisModel on
    an impossible width, an unknown activation, or a slope or clip of others than these.
    """

    width: int
    gated: bool
    activation: Activation
    parallel: bool = False
    slope: float = 1.0
    clip: float | None = None

    def __post_init__(self) -> None:
        if type(self.width) is not int or not 1 <= self.width <= MOST_WIDTH:
            raise NotThisModel(f"an MLP of width {self.width!r} is impossible: expected 1 to {MOST_WIDTH}")
        if type(self.gated) is not bool or type(self.parallel) is not bool:
            raise NotThisModel("an MLP is gated or not and parallel or not: expected true or false")
        if self.activation not in ACTIVATIONS:
            raise NotThisModel(f"activation {self.activation!r} is not supported; use {one_of(ACTIVATIONS)}")
        possible.scale("the slope of an activation", self.slope)
        if self.slope != 1 and self.activation != "silu":
            raise NotThisModel(f"a slope of {self.slope:g} is supported for silu, not for {self.activation}")
        if self.clip is not None:
            possible.scale("the clip of an MLP's units", self.clip)
            if not self.gated:
                raise NotThisModel("a clip is supported for MLPs with a gate")

    def __repr__(self) -> str:
        return shown(self, self.stated)

    @property
    def stated(self) -> dict[str, Any]:
        """Every fact by its name; without the later ones that equal their defaults."""
        return stated(self, LATER)


def as_mlp(facts: object) -> Mlp | None:
    """Read what a file says of its MLPs. Raises NotThisModel unless it is None or an Mlp's facts."""
    if facts is None or isinstance(facts, Mlp):
        return facts
    if not complete(Mlp, facts, LATER):
        raise NotThisModel("MLPs are stated as an object of width, gated, activation and parallel")
    return Mlp(**cast("dict[str, Any]", facts))
