"""The order of writers in depth, and the points by which each has stored, both from the wiring alone."""

from collections.abc import Sequence

import numpy as np

from loadstore.model.points import Point
from loadstore.model.ports import points, reading_at
from loadstore.model.weights import Weights
from loadstore.model.wiring import wiring
from loadstore.sites import SIDES, Reader, Writer


def readers_of(weights: Weights, writer: Writer) -> tuple[Reader, ...]:
    """The readers that determine a writer's store: the sides of its head, or its MLP; empty for embeddings."""
    names = {f"{writer}.{side}" for side in SIDES} | {str(writer)}
    return tuple(reader for reader in wiring(weights).readers if str(reader) in names)


def later(weights: Weights, writers: Sequence[Writer]) -> np.ndarray:
    """Boolean matrix [writer, writer]: whether the first reaches a reader of the second."""
    network = wiring(weights)
    reached = np.zeros((len(writers), len(writers)), dtype=bool)
    for column, target in enumerate(writers):
        loads = readers_of(weights, target)
        if loads:
            reached[:, column] = network.between(writers, loads).any(1)
    return reached


def stored_by(weights: Weights, writers: Sequence[Writer]) -> tuple[list[Point], np.ndarray]:
    """All points where readers read the stream, and whether it contains each writer there: boolean [point, writer]."""
    network, met_at = wiring(weights), points(weights)
    rows = [network.between(writers, [reading_at(weights, point).reader])[:, 0] for point in met_at]
    return met_at, np.array(rows)


def depth_names(weights: Weights, met_at: Sequence[Point]) -> list[str]:
    """``L3`` before the heads of layer 3, ``L3.mlp`` before its MLP, ``unembed``."""
    depth = weights.architecture.n_layers
    return [
        "unembed" if point.layer == depth else f"L{point.layer}.mlp" if point.mlp else f"L{point.layer}"
        for point in met_at
    ]
