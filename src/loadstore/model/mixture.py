"""What experts the MLPs of a model have: sizes and schemes, nothing learned."""

from dataclasses import dataclass
from typing import Any, Literal, cast

from loadstore.errors import NoSuchSite, NotThisModel
from loadstore.model import possible
from loadstore.model.facts import complete, shown, stated
from loadstore.model.mlp_facts import MOST_WIDTH, Mlp

Scheme = Literal["softmax", "sigmoid"]
SCHEMES: tuple[Scheme, ...] = ("softmax", "sigmoid")
MOST_EXPERTS = 1024
EVERY = "; of an MLP with experts every expert counts fully, whether or not tokens use it"
HELD = "; the choice of experts is held, and effects of another choice are in the remainder"
LATER = frozenset(("scheme", "groups", "chosen_groups", "judged_by", "scale", "without", "plain_width"))


@dataclass(frozen=True, slots=True, repr=False)
class Mixture:
    """Experts of the layers: how many, how many of them each token uses, and the width of each.

    A token uses the experts with the highest shares. Shares are the softmax of the scores of all experts, or the
    sigmoid of each (``scheme``). Their weights are these shares; ``normalised`` divides them by their sum, and
    ``scale`` multiplies them. With ``groups`` > 1 the experts come in as many groups of neighbours, and a token chooses
    among those of the ``chosen_groups`` groups with the highest sums of their ``judged_by`` highest shares.

    ``without``: the layers whose MLPs have no experts, and ``plain_width`` units. Raises NotThisModel on impossible
    sizes.
    """

    count: int
    chosen: int
    width: int
    normalised: bool
    scheme: Scheme = "softmax"
    groups: int = 1
    chosen_groups: int = 1
    judged_by: int = 1
    scale: float = 1.0
    without: tuple[int, ...] = ()
    plain_width: int | None = None

    def __post_init__(self) -> None:
        sizes = {"experts": (self.count, MOST_EXPERTS), "experts for each token": (self.chosen, self.count)}
        sizes |= {"units of an expert": (self.width, MOST_WIDTH), "groups of experts": (self.groups, self.count)}
        for name, (value, most) in sizes.items():
            _whole(name, value, most)
        if type(self.normalised) is not bool:
            raise NotThisModel("weights of experts are normalised or not: expected true or false")
        possible.among("the scheme of shares", self.scheme, SCHEMES)
        possible.scale("the multiplier of weights of experts", self.scale)
        if self.count % self.groups:
            raise NotThisModel(f"{self.count} experts in {self.groups} groups are impossible: expected equal groups")
        _whole("groups for each token", self.chosen_groups, self.groups)
        _whole("experts that a group is judged by", self.judged_by, self.count // self.groups)
        if self.chosen > (most := self.chosen_groups * self.count // self.groups):
            raise NotThisModel(f"{self.chosen} experts for each token are impossible: its groups have {most}")
        if bool(self.without) != (self.plain_width is not None):
            raise NotThisModel("layers without experts and the width of their MLPs belong together")
        if self.plain_width is not None:
            _whole("units of an MLP without experts", self.plain_width, MOST_WIDTH)

    def __repr__(self) -> str:
        return shown(self, self.stated)

    def fit(self, mlp: Mlp | None, n_layers: int) -> None:
        """Raise NotThisModel unless the MLPs of a model of ``n_layers`` layers can have these experts."""
        if mlp is None or mlp.width < self.count * self.width:
            raise NotThisModel("experts belong to MLPs that are at least as wide as all experts together")
        possible.layers("layers without experts", self.without, n_layers)
        if len(self.without) == n_layers:
            raise NotThisModel("no layer has experts; state a model without experts")

    @property
    def stated(self) -> dict[str, Any]:
        """Every fact by its name; without the later ones that equal their defaults."""
        return stated(self, LATER)

    @property
    def brief(self) -> str:
        """Sizes in a phrase: ``8 experts of 14,336, 2 for each token``."""
        grouped = f" from {self.chosen_groups} of {self.groups} groups" if self.groups > 1 else ""
        count = len(self.without)
        plain = f"; none in {count} {'layer' if count == 1 else 'layers'}" if count else ""
        return f"{self.count} experts of {self.width:,}, {self.chosen} for each token{grouped}{plain}"


def experts_in(mixture: Mixture | None, layer: int, n_layers: int, model: str) -> Mixture:
    """The experts of one layer of a model. Raises NoSuchSite if there is no such layer, or if it has none."""
    if not 0 <= layer < n_layers:
        raise NoSuchSite(f"there is no layer {layer}: {model}")
    if mixture is None or layer in mixture.without:
        raise NoSuchSite(f"there are no experts in layer {layer}: {model}")
    return mixture


def _whole(name: str, value: object, most: object) -> None:
    if type(value) is not int or type(most) is not int or not 1 <= value <= most:
        raise NotThisModel(f"{value!r} {name} are impossible: expected 1 to {most}")


def as_mixture(facts: object) -> Mixture | None:
    """Read what a file says of its experts. Raises NotThisModel unless it is None or a Mixture's facts."""
    if facts is None or isinstance(facts, Mixture):
        return facts
    if not complete(Mixture, facts, LATER):
        raise NotThisModel("experts are stated as an object of count, chosen, width and normalised, or more facts")
    named: dict[str, Any] = dict(cast("dict[str, Any]", facts))
    if isinstance(named.get("without"), list):
        named["without"] = tuple(named["without"])
    return Mixture(**named)
