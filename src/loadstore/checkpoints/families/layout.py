"""How a file stores what a folder of Hugging Face stores in one way: facts that no config.json states."""

from dataclasses import dataclass

from loadstore.model.rotary import Pairs


@dataclass(frozen=True)
class Layout:
    """The layout of a GGUF file, where it differs; the default is that of a folder.

    ``pairs``: which dimensions make a rotary pair, None for those of the family. ``factors``: by how much each pair
    turns slower, None for 1. ``dimensions``: how many dimensions of a head turn, None for the share that the config
    states. ``added``: gains of 1 + w have their 1 already. ``apart``: in a matrix of Q, K and V these lie one below the
    other, and not group by group.
    """

    pairs: Pairs | None = None
    factors: tuple[float, ...] | None = None
    dimensions: int | None = None
    added: bool = False
    apart: bool = False


FOLDER = Layout()
