"""The points at which readers read the stream, and the names of the scales that a pass freezes."""

from typing import Literal, NamedTuple, TypeAlias

ScaleName: TypeAlias = Literal["heads", "q", "k", "after_heads", "mlp", "after_mlp", "final"]


class Point(NamedTuple):
    """A point at which a norm reads the stream: before a layer's heads, before its MLP, or before the unembedding.

    The unembedding's ``layer`` is one past the last. ``behind``: the input of Q and K after that norm and its gain,
    where shortformer positions are added.
    """

    layer: int
    mlp: bool = False
    behind: bool = False


class ScaleOf(NamedTuple):
    """One scale 1/σ of a pass: of a norm before or after the heads or the MLP, a q- or k-norm, or the final norm.

    The final norm has layer −1.
    """

    name: ScaleName
    layer: int = -1
