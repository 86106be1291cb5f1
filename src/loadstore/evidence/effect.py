"""What cutting a wire does, and controls: other wires that carry about as much and should matter less."""

import math
from collections.abc import Collection
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from loadstore.errors import Undefined
from loadstore.evidence.traffic import reader_traffic
from loadstore.heads.patterns import mass_on, role_masks
from loadstore.heads.roles import bos_of, random_repeats
from loadstore.models.edits import Edit, cut
from loadstore.models.trace import run
from loadstore.models.weights import Weights
from loadstore.models.wiring import wiring
from loadstore.sites import Head, Reader, parse_head

Wire = tuple[str, str]


@dataclass(frozen=True, slots=True)
class WireEffect:
    """One wire: its traffic, the watched head's induction score with the wire cut, and its own reader's change."""

    writer: str
    reader: str
    traffic: float
    induction: float
    pattern_change: float


@dataclass(frozen=True)
class CutProof:
    """A K wire cut, beside controls matched for traffic. Scores are means over ``sequences`` random repeats."""

    head: str
    intact: float
    cut: WireEffect
    controls: tuple[WireEffect, ...]
    sequences: int

    @property
    def beyond_all_controls(self) -> bool:
        """Whether the cut lowers the head's score more than every control does."""
        return all(self.cut.induction < control.induction for control in self.controls)


def induction_of(
    weights: Weights, head: Head | str, tokens: Tensor, edits: Collection[Edit] = ()
) -> tuple[float, Float[Tensor, "batch query key"]]:
    """Induction score of one head on given tokens [sequence, token], and its pattern, with edits."""
    head = weights.architecture.check(parse_head(head), weights.name)
    pattern = run(weights, tokens, list(edits), record=True).pattern(head)
    mass, _ = mass_on(pattern[:, None], role_masks(tokens, bos_of(weights))["induction"])
    return float(mass.nanmean()), pattern


def prove_wire(
    weights: Weights,
    writer: Head | str,
    head: Head | str,
    *,
    apart: Collection[Wire] = (),
    controls: int = 20,
    sequences: int = 8,
    seed: int = 0,
) -> CutProof:
    """Cut ``writer`` from the K of ``head`` and compare with wires of the same traffic.

    Controls are the ``controls`` Q and K wires of the whole model whose log traffic on the same tokens is nearest,
    the wire itself and those in ``apart`` (the rest of the claimed circuit) left out. Raises Undefined when the
    model has fewer such wires.
    """
    head = weights.architecture.check(parse_head(head), weights.name)
    target: Wire = (str(writer), str(Reader(head.layer, head.index, "K")))
    tokens = random_repeats(weights, sequences, seed=seed)
    intact, _ = induction_of(weights, head, tokens)
    loads = _all_traffic(weights, tokens)
    apart_from = {target, *apart}
    near = sorted(
        (wire for wire, load in loads.items() if wire not in apart_from and load > 0),
        key=lambda wire: abs(math.log(loads[wire] / loads[target])),
    )
    if len(near) < controls:
        raise Undefined(f"{weights.name} has {len(near)} other Q and K wires; {controls} controls were asked for")

    def effect(wire: Wire) -> WireEffect:
        edit = cut(wire[0], wire[1])
        score, _ = induction_of(weights, head, tokens, [edit])
        return WireEffect(*wire, loads[wire], score, pattern_change(weights, tokens, edit.reader.head, [edit]))

    return CutProof(str(head), intact, effect(target), tuple(effect(wire) for wire in near[:controls]), sequences)


def pattern_change(weights: Weights, tokens: Tensor, head: Head, edits: Collection[Edit]) -> float:
    """Total variation ½ Σ_j |A_ij − A′_ij| of a head's pattern under edits, averaged over queries; 0 to 1."""
    before = run(weights, tokens, record=True).pattern(head)
    after = run(weights, tokens, list(edits), record=True).pattern(head)
    return float(0.5 * (before - after).abs().sum(-1).mean())


def _all_traffic(weights: Weights, tokens: Tensor) -> dict[Wire, float]:
    trace = run(weights, tokens, record=True)
    return {
        (writer, str(reader)): load
        for reader in wiring(weights).readers
        if reader.side in ("Q", "K")
        for writer, load in reader_traffic(trace, reader).items()
    }
