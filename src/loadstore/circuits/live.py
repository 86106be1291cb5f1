"""Live wires: those whose writer can differ between a clean and a counterfactual run. Circuits consist of them."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Bool
from torch import Tensor

from loadstore.model.weights import Weights
from loadstore.model.wiring import Wiring, wiring
from loadstore.sites import Reader, Writer


@dataclass(frozen=True, eq=False)
class Live:
    """Writers that can differ, all readers, and the wires between them, in depth order.

    Biases store the same in every run, and positions are the same in both prompts of a pair. A reader sees the writers
    before it, so its writers are the first ``before(layer, side)`` ones.

    Args:
        network: The wiring of the model.
        writers: The writers that can differ.
        together: The layers whose heads share the scale of a norm: what one loads changes what all store.
    """

    network: Wiring
    writers: tuple[Writer, ...]
    together: frozenset[int]

    @property
    def readers(self) -> tuple[Reader, ...]:
        """All readers."""
        return self.network.readers

    @cached_property
    def exists(self) -> Bool[Tensor, "writer reader"]:
        """Which wires exist."""
        return torch.from_numpy(np.ascontiguousarray(self.network.between(self.writers, self.readers)))

    @cached_property
    def count(self) -> int:
        """The number of live wires."""
        return int(self.exists.sum())

    @cached_property
    def place_of_writer(self) -> dict[Writer, int]:
        """The row of each writer."""
        return {writer: row for row, writer in enumerate(self.writers)}

    @cached_property
    def place_of_reader(self) -> dict[Reader, int]:
        """The column of each reader."""
        return {reader: column for column, reader in enumerate(self.readers)}

    @cached_property
    def _before(self) -> dict[tuple[int, str], int]:
        counts = self.exists.sum(0).tolist()
        return {(reader.layer, reader.side): counts[column] for column, reader in enumerate(self.readers)}

    def before(self, layer: int, side: str) -> int:
        """The number of writers that the readers of one side of a layer see; (−1, "") is the unembedding."""
        return self._before[layer, side]

    def useful(self, mask: Bool[Tensor, "writer reader"]) -> Bool[Tensor, "writer reader"]:
        """The wires of a mask that lie on a path of its wires to the unembedding."""
        useful = mask & self.exists
        for row in range(len(self.writers) - 1, 0, -1):
            writer = self.writers[row]
            stores = [row]
            if writer.kind == "head" and writer.layer in self.together:
                stores = [
                    self.place_of_writer[head]
                    for head in self.writers
                    if head.kind == "head" and head.layer == writer.layer
                ]
            if not bool(useful[stores].any()):
                useful[:, self.loads_of(writer)] = False
            if writer.kind == "expert" and not bool(useful[self._experts(writer.layer)].any()):
                useful[:, self.place_of_reader[Reader(writer.layer, -1, "router")]] = False
        return useful

    def _experts(self, layer: int) -> list[int]:
        """The rows of the experts of a layer that are sites."""
        return [row for row, writer in enumerate(self.writers) if writer.kind == "expert" and writer.layer == layer]

    def loads_of(self, writer: Writer) -> list[int]:
        """The columns of the readers through which a writer loads, without the router, which serves several."""
        if writer.kind == "head":
            return [self.place_of_reader[Reader(writer.layer, writer.index, side)] for side in ("Q", "K", "V")]
        return [self.place_of_reader[reader] for reader in loads_inside(writer) if reader.side != "router"]


def loads_inside(writer: Writer) -> tuple[Reader, ...]:
    """The readers that change the store of an MLP or of a part of one; none for another writer."""
    match writer.kind:
        case "mlp" | "shared":
            return (Reader(writer.layer, -1, writer.kind),)
        case "expert":
            return Reader(writer.layer, writer.index, "expert"), Reader(writer.layer, -1, "router")
        case _:
            return ()


def live(weights: Weights) -> Live:
    """The live wires of a model."""
    network = wiring(weights)
    kinds = ("embed", "head", "mlp", "expert", "shared")
    together = frozenset(index for index, layer in enumerate(weights.layers) if layer.heads_share_scale)
    return Live(network, tuple(writer for writer in network.writers if writer.kind in kinds), together)
