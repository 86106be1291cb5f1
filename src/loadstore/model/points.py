"""Where readers meet the stream, and the names of the scales that one pass freezes."""

from typing import Literal, NamedTuple, TypeAlias

ScaleName: TypeAlias = Literal["heads", "q", "k", "after_heads", "mlp", "after_mlp", "final"]


class Point(NamedTuple):
    """Where a norm reads the stream: before a layer's heads, before its MLP, or before the unembedding.

    The unembedding's is one layer past the last. ``behind``: what Q and K read after that norm and its gain, where
    shortformer positions are added.
    """

    layer: int
    mlp: bool = False
    behind: bool = False


class ScaleOf(NamedTuple):
    """One scale 1/σ of a pass: of a norm before or after a layer's heads or its MLP, of its q- or k-norm, or the last.

    The last norm has no layer: −1.
    """

    name: ScaleName
    layer: int = -1
