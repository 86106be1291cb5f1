"""What experts the MLPs of a model have: sizes and schemes, nothing learned."""

from dataclasses import dataclass, fields
from typing import Any, cast

from loadstore.errors import NotThisModel
from loadstore.model.mlp_facts import MOST_WIDTH

MOST_EXPERTS = 1024
EVERY = "; of an MLP with experts every expert counts fully, whether or not tokens use it"
HELD = "; the choice of experts is held, and effects of another choice are in the remainder"


@dataclass(frozen=True, slots=True)
class Mixture:
    """Experts of every layer: how many, how many of them each token uses, and the width of each.

    A token uses the experts with the highest scores of a router. Their weights are the softmax of the scores of all
    experts; ``normalised`` divides by their sum, which gives the softmax of the scores of the chosen experts. Raises
    NotThisModel on impossible sizes.
    """

    count: int
    chosen: int
    width: int
    normalised: bool

    def __post_init__(self) -> None:
        sizes = {"experts": (self.count, MOST_EXPERTS), "experts for each token": (self.chosen, self.count)}
        for name, (value, most) in (sizes | {"units of an expert": (self.width, MOST_WIDTH)}).items():
            if type(value) is not int or type(most) is not int or not 1 <= value <= most:
                raise NotThisModel(f"{value!r} {name} are impossible: expected 1 to {most}")
        if type(self.normalised) is not bool:
            raise NotThisModel("weights of experts are normalised or not: expected true or false")

    @property
    def brief(self) -> str:
        """Sizes in a phrase: ``8 experts of 14,336, 2 for each token``."""
        return f"{self.count} experts of {self.width:,}, {self.chosen} for each token"


def as_mixture(facts: object) -> Mixture | None:
    """Read what a file says of its experts. Raises NotThisModel unless it is None or a Mixture's facts."""
    if facts is None or isinstance(facts, Mixture):
        return facts
    if not isinstance(facts, dict) or set(facts) != {each.name for each in fields(Mixture)}:
        raise NotThisModel("experts are stated as an object of count, chosen, width and normalised")
    return Mixture(**cast("dict[str, Any]", facts))
