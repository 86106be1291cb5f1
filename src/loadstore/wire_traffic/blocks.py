"""The inputs of a point's readers on a corpus, by writer and in total: stores minus their means, scaled by 1/σ."""

from collections.abc import Iterator
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from loadstore.model.points import Point
from loadstore.model.ports import Bank, banks, reading_at
from loadstore.model.wiring import wiring
from loadstore.sites import Writer
from loadstore.wire_traffic.loads import Loads
from loadstore.wire_traffic.moments import Moments


@dataclass(frozen=True, eq=False)
class Block:
    """The recorded values of one layer's heads, or of one other writer, minus their means."""

    bank: Bank
    rows: Float[Tensor, "token writer inner"]

    @property
    def sent(self) -> Float[Tensor, "token d_model"]:
        """The sum of these writers' stores."""
        out = self.bank.out
        return self.rows[:, 0] if out is None else self.rows.flatten(1) @ out.flatten(0, 1)


class Memory:
    """The stream of a corpus, read at one point after another in depth order."""

    def __init__(self, moments: Moments) -> None:
        weights = moments.weights
        self.moments = moments
        self._sum = moments.z.new_zeros(len(moments.tokens), weights.architecture.d_model)
        self._held: set[Writer] = set()

    def blocks(self, point: Point) -> Iterator[Block]:
        """The writers that reach a point, scaled by its 1/σ; constants are omitted because they have no variance."""
        scale = self.moments.inverse_scale[point][:, None, None]
        for block in self._stored(point):
            yield block if block.bank.bypasses_norm else Block(block.bank, block.rows * scale)

    def stream(self, point: Point) -> tuple[Float[Tensor, "token d_model"], Float[Tensor, "token d_model"] | None]:
        """The sum of all stores before a point, scaled by its 1/σ, and the part that is added after its norm.

        Points must be visited in depth order.
        """
        behind = None
        for block in self._stored(point):
            if block.bank.bypasses_norm:
                behind = block.sent
            elif block.bank.writers[0] not in self._held:
                self._held.add(block.bank.writers[0])
                self._sum += block.sent
        return self._sum * self.moments.inverse_scale[point][:, None], behind

    def whole(self, loads: Loads) -> Float[Tensor, "token load inside"]:
        """The whole input of some readers, multiplied by their matrices. Points must be visited in depth order."""
        read, behind = self.stream(loads.point)
        return loads.read(loads.loaded(read), behind)

    def _stored(self, point: Point) -> Iterator[Block]:
        weights = self.moments.weights
        writers = wiring(weights).writers_of(reading_at(weights, point).reader)
        for bank in banks(weights, writers):
            if not bank.constant:
                yield Block(bank, self.moments.stored(bank))
