"""Where readers meet the stream: before a layer's heads, before its MLP, before the unembedding."""

from typing import NamedTuple

from loadstore.model.weights import Weights
from loadstore.sites import Reader


class Point(NamedTuple):
    """Where a norm reads the stream: before a layer's heads, before its MLP, or before the unembedding.

    ``behind``: what Q and K read after that norm and its gain, where shortformer positions are added.
    """

    layer: int
    mlp: bool = False
    behind: bool = False


def point_of(weights: Weights, reader: Reader) -> Point:
    """The point of a reader; the unembedding's is one layer past the last."""
    return Point(weights.architecture.n_layers if reader.is_unembed else reader.layer, reader.is_mlp)
