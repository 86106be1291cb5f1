"""Maps each site to its port."""

from collections.abc import Mapping

from loadstore.model.points import Point
from loadstore.model.ports.bias import BiasWriting
from loadstore.model.ports.embed import EmbedWriting
from loadstore.model.ports.heads import HeadReading, HeadWriting
from loadstore.model.ports.mlp import MlpReading, MlpWriting
from loadstore.model.ports.positions import PosWriting
from loadstore.model.ports.readers import Reading
from loadstore.model.ports.unembed import UnembedReading
from loadstore.model.ports.writers import Writing
from loadstore.model.weights import Weights
from loadstore.sites import UNEMBED, Reader, Writer

WRITINGS: Mapping[str, type[Writing]] = {
    "embed": EmbedWriting,
    "pos": PosWriting,
    "head": HeadWriting,
    "mlp": MlpWriting,
    "expert": MlpWriting,
    "shared": MlpWriting,
    "bias": BiasWriting,
}
READINGS: Mapping[str, type[Reading]] = {
    "Q": HeadReading,
    "K": HeadReading,
    "V": HeadReading,
    "mlp": MlpReading,
    "router": MlpReading,
    "expert": MlpReading,
    "shared": MlpReading,
    "": UnembedReading,
}


def writing(weights: Weights, writer: Writer) -> Writing:
    """The port of a writer, which must be in the model's wiring."""
    return WRITINGS[writer.kind](weights, writer)


def reading(weights: Weights, reader: Reader) -> Reading:
    """The port of a reader, which must be in the model's wiring."""
    return READINGS[reader.side](weights, reader)


def reading_at(weights: Weights, point: Point) -> Reading:
    """One reader at a point; every writer that reaches the point reaches this reader."""
    if point.layer == weights.architecture.n_layers:
        return reading(weights, UNEMBED)
    return reading(weights, Reader(point.layer, -1, "mlp") if point.mlp else Reader(point.layer, 0, "Q"))


def points(weights: Weights) -> list[Point]:
    """Every point at which the model's readers read the stream, in depth order."""
    shape = weights.architecture
    kinds = (False,) if shape.mlp is None else (False, True)
    return [*(Point(layer, mlp) for layer in range(shape.n_layers) for mlp in kinds), Point(shape.n_layers)]
