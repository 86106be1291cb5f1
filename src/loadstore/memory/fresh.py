"""Fresh share: the source of a reader's load from a region: the original writer, a repeater or another writer.

With P the region of w and y ranging over all writers that reach reader r, u_y = ŷ/σ and b r's matrix of traffic,

    part_y = E⟨u_y P̂, v⟩_b/E⟨v, v⟩_b        v = Σ_y u_y P̂,  P̂ = PᵀP,  ⟨a, c⟩_b = a b cᵀ

so the parts are signed and sum to 1. ``fresh`` is the part of w, ``repeated`` that of all writers that w reaches.
``other`` is the rest: writers that stored there without loading from w. Test: tests/memory/test_causes.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum, nan

from loadstore.memory.depth import later
from loadstore.memory.region import Region
from loadstore.model.ports import reading
from loadstore.model.wiring import wiring
from loadstore.sites import Reader, Writer
from loadstore.wire_traffic.blocks import Memory
from loadstore.wire_traffic.loads import loads_of
from loadstore.wire_traffic.moments import Moments


@dataclass(frozen=True)
class Fresh:
    """A reader's load from the region of one writer, as signed shares that sum to 1; NaN if it loads nothing."""

    writer: str
    reader: str
    fresh: float
    repeated: float
    other: float


def fresh_shares(moments: Moments, writer: Writer, region: Region, readers: Sequence[Reader]) -> list[Fresh]:
    """Divide each reader's load from the region; readers whose other side was not measured are left out."""
    return [
        _divided(moments, writer, region, reader)
        for reader in readers
        if reader.side not in ("Q", "K") or reader.layer in moments.layers
    ]


def _divided(moments: Moments, writer: Writer, region: Region, reader: Reader) -> Fresh:
    weights, point = moments.weights, reading(moments.weights, reader).point
    (loads,) = loads_of(moments, point, [reader])
    kept, P = moments.later, region.rows.to(weights.dtype)
    through = P @ loads.B[loads.of[0]]
    inner = through @ through.mT if loads.met is None else through @ loads.met.sum(0)[0] @ through.mT
    read, _ = Memory(moments).stream(point)
    seen = read[kept] @ P.mT
    along = seen @ inner
    total = float((along * seen).double().sum())
    if total <= 0:
        return Fresh(str(writer), str(reader), nan, nan, nan)
    back = (along @ P) * moments.inverse_scale[point][kept][:, None]
    parts: dict[Writer, float] = {}
    for block in Memory(moments).blocks(point):
        if block.bank.bypasses_norm:
            continue
        raw = moments.stored(block.bank)[kept]
        values = (block.bank.back(back) * raw).double().sum((0, -1)) / total
        parts |= dict(zip(block.bank.writers, values.tolist(), strict=True))
    network = [each for each in wiring(weights).writers if each in parts]
    follows = later(weights, network)[network.index(writer)]
    repeated = fsum(parts[each] for each, after in zip(network, follows, strict=True) if after)
    fresh = parts[writer]
    return Fresh(str(writer), str(reader), fresh, repeated, fsum(parts.values()) - fresh - repeated)
