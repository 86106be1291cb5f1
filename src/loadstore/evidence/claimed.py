"""The claims of a listing: the wires that matter, and the direction in which cutting them moves the target."""

import math
from dataclasses import dataclass

from loadstore.causal.cutting import Wire
from loadstore.decomposition.loads import Kind, Part
from loadstore.decomposition.program import Listing
from loadstore.model.wiring import wiring
from loadstore.sites import CONST, Writer


@dataclass(frozen=True)
class Claim:
    """Wires that matter according to a listing, and the direction in which cutting them moves the target.

    ``watched``: (head, query, key) of every Q or K load whose attention the cut should change.
    """

    wires: tuple[Wire, ...]
    kind: Kind
    sign: float
    watched: tuple[tuple[str, int, int], ...]

    @property
    def text(self) -> str:
        """The wires as text: ``L0.H7 → L1.H4.K + L1.H10.K``."""
        return f"{self.wires[0][0]} → {' + '.join(str(reader) for _, reader in self.wires)}"


def claims_of(listing: Listing) -> list[Claim]:
    """The largest wire of every step's loads, and wires that load the same store on one side; without constants.

    The target's own load is excluded: its parts form an exact sum, which needs no proof.
    """
    network = wiring(listing.trace.weights)
    single: dict[Wire, Claim] = {}
    places: dict[tuple[Writer, int, Kind], list[Wire]] = {}

    def say(kind: Kind, wire: Wire, carried: float, watched: tuple[tuple[str, int, int], ...]) -> None:
        earlier = single.get(wire)
        both = watched if earlier is None else tuple(dict.fromkeys([*earlier.watched, *watched]))
        single[wire] = Claim((wire,), kind, -math.copysign(1, carried) if earlier is None else earlier.sign, both)

    for step in listing.steps:
        for load in step.loads:
            part = next((part for part in load.parts if not _constant(part)), None)
            if part is None:
                continue
            reader = network.reader(step.site if load.kind == "mlp" else f"{step.site}.{load.kind}")
            key = step.attended.index(max(step.attended)) if load.kind in ("Q", "K") else -1
            watched = ((step.site, step.at, key),) if key >= 0 else ()
            wire = network.writer(part.writer), reader
            say(load.kind, wire, step.carried * part.share, watched)
            if load.kind != "mlp":
                places.setdefault((wire[0], part.token, load.kind), []).append(wire)
    together: dict[tuple[Wire, ...], Claim] = {}
    for group in places.values():
        wires = tuple(wire for wire in dict.fromkeys(group) if single[wire].sign == single[group[0]].sign)
        if len(wires) > 1:
            watched = tuple(dict.fromkeys(watch for wire in wires for watch in single[wire].watched))
            together[wires] = Claim(wires, single[wires[0]].kind, single[wires[0]].sign, watched)
    return [*single.values(), *together.values()]


def _constant(part: Part) -> bool:
    """Whether a writer's store is the same at every token, so that a mean cut removes nothing."""
    return part.writer == CONST or part.writer.endswith(".bias")
