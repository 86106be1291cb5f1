"""The points at which readers read the stream, and the names of the scales that a pass freezes."""

from collections.abc import Mapping
from typing import Literal, NamedTuple, TypeAlias

from loadstore.sites import Side

ScaleName: TypeAlias = Literal["heads", "q", "k", "v", "after_heads", "mlp", "after_mlp", "final"]


SCALES: Mapping[Side, ScaleName] = {"Q": "q", "K": "k", "V": "v"}
"""The scale inside the heads on each side."""


class Point(NamedTuple):
    """A point at which a norm reads the stream: before a layer's heads, before its MLP, or before the unembedding.

    The unembedding's ``layer`` is one past the last. ``behind``: the input of Q and K after that norm and its gain,
    where shortformer positions are added.
    """

    layer: int
    mlp: bool = False
    behind: bool = False


class ScaleOf(NamedTuple):
    """One scale 1/σ of a pass: of a norm before, inside or after the heads, before or after the MLP, or the final norm.

    The final norm has layer −1.
    """

    name: ScaleName
    layer: int = -1
