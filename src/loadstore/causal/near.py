"""Controls of a wire: other wires of the same kind that carry as much on the same run."""

import math
from collections.abc import Collection
from dataclasses import dataclass, field

from loadstore.causal.cutting import Wire
from loadstore.decomposition.decomposition import matrix_of
from loadstore.decomposition.deviations import removed
from loadstore.errors import Undefined
from loadstore.execution.trace import Trace
from loadstore.model.wiring import wiring
from loadstore.sites import Reader, Writer
from loadstore.wire_traffic.exact import reader_traffic


@dataclass(frozen=True)
class Near:
    """What wires carry on one run, measured once for each reader that is asked for.

    ``outside``: wires that are no controls, such as those of the claim itself.
    """

    trace: Trace
    outside: Collection[Wire]
    _known: dict[Reader, dict[Writer, float]] = field(default_factory=dict[Reader, dict[Writer, float]])

    def traffic(self, wire: Wire) -> float:
        """Traffic of one wire on this run, in the units of its kind of reader."""
        return self._into(wire[1])[wire[0]]

    def controls(self, wire: Wire, count: int) -> list[Wire]:
        """The ``count`` wires nearest in log traffic, or as many as there are: of the same side and layer, else of any.

        Raises Undefined where the wire carries nothing, or no other does.
        """
        writer, reader = wire
        load = self.traffic(wire)
        if not load > 0:
            raise Undefined(f"{writer} → {reader} carries nothing on this prompt, so no control has its traffic")
        same = [other for other in wiring(self.trace.weights).readers if other.side == reader.side]
        pool = self._pool([other for other in same if other.layer == reader.layer])
        if len(pool) < count:
            pool = self._pool(same)
        if not pool:
            raise Undefined(
                f"{self.trace.weights.name} has no wire like {writer} → {reader} outside the listing to compare it with"
            )
        return sorted(pool, key=lambda other: abs(math.log(pool[other] / load)))[:count]

    def _pool(self, readers: list[Reader]) -> dict[Wire, float]:
        every = {(writer, reader): load for reader in readers for writer, load in self._into(reader).items()}
        return {wire: load for wire, load in every.items() if load > 0 and wire not in self.outside}

    def _into(self, reader: Reader) -> dict[Writer, float]:
        if reader not in self._known:
            self._known[reader] = _loads(self.trace, reader)
        return self._known[reader]


def _loads(trace: Trace, reader: Reader) -> dict[Writer, float]:
    """√E ‖δ B‖² of an MLP's inside or of the centred logits, and ``reader_traffic`` of a side of a head."""
    network = wiring(trace.weights)
    if not (reader.is_mlp or reader.is_unembed):
        return {network.writer(name): load for name, load in reader_traffic(trace, reader).items()}
    matrix, _, _ = matrix_of(trace, reader)
    gram = matrix @ matrix.mT
    if reader.is_unembed:
        mean = matrix.mean(1, keepdim=True)
        gram = gram - matrix.shape[1] * (mean @ mean.mT)
    found: dict[Writer, float] = {}
    for writer in network.writers_of(reader):
        rows = removed(trace, reader, writer)[:, 1:].flatten(0, 1)
        found[writer] = float(((rows @ gram) * rows).sum(-1).mean().clamp(min=0).sqrt())
    return found
