"""What a point's readers load, writer by writer and whole: the stores on a corpus less their means, scaled by 1/σ."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from loadstore.model.points import Point
from loadstore.model.wiring import wiring
from loadstore.scores.folding import reads_after_norm
from loadstore.sites import UNEMBED, Reader, Writer
from loadstore.wire_traffic.loads import Loads
from loadstore.wire_traffic.moments import Moments


@dataclass(frozen=True, eq=False)
class Block:
    """Stores less their means: heads of one layer with the W_O that sends them on, or one other writer."""

    writers: tuple[Writer, ...]
    rows: Float[Tensor, "token writer inside"]
    W_O: Float[Tensor, "writer inside d_model"] | None
    behind: bool  # the norms: shortformer positions

    @property
    def sent(self) -> Float[Tensor, "token d_model"]:
        """The sum of what these writers stored."""
        return self.rows[:, 0] if self.W_O is None else self.rows.flatten(1) @ self.W_O.flatten(0, 1)


class Memory:
    """The stream of a corpus, read point by point in depth order."""

    def __init__(self, moments: Moments) -> None:
        weights = moments.weights
        self.moments = moments
        self._sum = moments.z.new_zeros(len(moments.tokens), weights.architecture.d_model)
        self._held: set[Writer] = set()

    def blocks(self, point: Point) -> Iterator[Block]:
        """Writers that reach a point, scaled by its 1/σ; constants are left out, they have no moments."""
        for block in self._stored(point):
            rows = block.rows if block.behind else block.rows * self.moments.inverse_scale[point][:, None, None]
            yield Block(block.writers, rows, block.W_O, block.behind)

    def stream(self, point: Point) -> tuple[Float[Tensor, "token d_model"], Float[Tensor, "token d_model"] | None]:
        """All that was stored before a point, scaled by its 1/σ, and what is added behind its norm.

        Points must come in depth order.
        """
        behind = None
        for block in self._stored(point):
            if block.behind:
                behind = block.sent
            elif block.writers[0] not in self._held:
                self._held.add(block.writers[0])
                self._sum += block.sent
        return self._sum * self.moments.inverse_scale[point][:, None], behind

    def whole(self, loads: Loads) -> Float[Tensor, "token load inside"]:
        """All that some readers load, through their matrices. Points must come in depth order."""
        read, behind = self.stream(loads.point)
        found = torch.einsum("td,lde->tle", read, loads.B)
        if behind is None or loads.behind is None:
            return found
        return found + torch.einsum("td,lde->tle", behind, loads.behind)

    def _stored(self, point: Point) -> Iterator[Block]:
        moments, weights = self.moments, self.moments.weights
        network, done = wiring(weights), set[int]()
        reader = _reader(point, weights.architecture.n_layers)
        for writer in network.writers_of(reader):
            if writer.kind == "head" and writer.layer not in done:
                done.add(writer.layer)
                heads = tuple(w for w in network.writers if w.kind == "head" and w.layer == writer.layer)
                z = moments.z[writer.layer]
                W_O = weights.wide(weights.layers[writer.layer].W_O)
                yield Block(heads, z - z[moments.later].mean(0), W_O, behind=False)
            elif writer.kind in ("embed", "pos", "mlp"):
                rows = moments.stored(writer)[:, None]
                yield Block((writer,), rows, None, reads_after_norm(weights, writer))


def _reader(point: Point, n_layers: int) -> Reader:
    """One reader at a point that reads all that any there does."""
    if point.layer == n_layers:
        return UNEMBED
    return Reader(point.layer, -1, "mlp") if point.mlp else Reader(point.layer, 0, "Q")
