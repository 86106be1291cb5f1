"""What cutting a wire does, and controls: the other wires nearest in traffic, which should matter less."""

import math
from collections.abc import Collection
from dataclasses import dataclass

from loadstore.axes import Tokens
from loadstore.bounds import Seed, Sequences
from loadstore.causal.collapse import collapses
from loadstore.errors import Undefined
from loadstore.execution.edits import cut
from loadstore.execution.run import run
from loadstore.execution.trace import Trace
from loadstore.heads.patterns import mass_on, role_masks
from loadstore.heads.roles import bos_of, random_repeats
from loadstore.model.weights import Weights
from loadstore.model.wiring import wiring
from loadstore.sites import Head, Reader, parse_head
from loadstore.wire_traffic.exact import reader_traffic

Wire = tuple[str, str]


def induction_circuit(previous: Head, heads: Collection[Head]) -> set[Wire]:
    """All wires of the induction circuit of these heads: they are no controls for each other."""
    inside: set[Wire] = {("pos", f"{previous}.Q"), ("pos", f"{previous}.K"), ("embed", f"{previous}.V")}
    for head in heads:
        inside |= {("embed", f"{head}.Q"), (str(previous), f"{head}.K"), ("embed", f"{head}.V")}
    return inside


@dataclass(frozen=True, slots=True)
class WireEffect:
    """One wire, and the behaviour of the model with it cut.

    ``induction`` is the watched head's score, ``prediction`` the mean probability of the true next token on second
    copies, ``pattern_change`` the total variation of the wire's own reader.
    """

    writer: str
    reader: str
    traffic: float
    induction: float
    prediction: float
    pattern_change: float


@dataclass(frozen=True)
class CutProof:
    """A K wire cut, beside the controls nearest in traffic. Scores are means over ``sequences`` random repeats."""

    head: str
    intact: float
    predicted: float
    cut: WireEffect
    controls: tuple[WireEffect, ...]
    sequences: int

    @property
    def beyond_all_controls(self) -> bool:
        """Whether the cut lowers the head's score more than every control does."""
        return all(self.cut.induction < control.induction for control in self.controls)

    @property
    def collapses(self) -> bool:
        """Whether attention and prediction both fall further than for every control."""
        return collapses(
            (self.intact, self.cut.induction),
            (self.predicted, self.cut.prediction),
            [(control.induction, control.prediction) for control in self.controls],
        )


@dataclass(frozen=True)
class _Bench:
    """One batch of repeats and the intact run on it: what every cut is compared with."""

    weights: Weights
    tokens: Tokens
    intact: Trace

    def induction(self, trace: Trace, head: Head) -> float:
        """Mean attention of a head on what followed the earlier occurrence."""
        window = self.weights.architecture.window(head.layer)
        mask = role_masks(self.tokens, bos_of(self.weights), window)["induction"]
        return float(mass_on(trace.pattern(head)[:, None], mask)[0].nanmean())

    def prediction(self, trace: Trace) -> float:
        """Mean probability of the true next token, after the tokens that repeat an earlier one."""
        follows = role_masks(self.tokens, bos_of(self.weights))["induction"].any(-1)[:, :-1]
        logits, expected = trace.logits[:, :-1][follows], self.tokens[:, 1:][follows].to(trace.logits.device)
        return float(logits.softmax(-1).gather(1, expected[:, None]).mean())

    def effect(self, wire: Wire, load: float, head: Head) -> WireEffect:
        """Cut one wire and run again."""
        edit = cut(*wire)
        after = run(self.weights, self.tokens, [edit], record=True)
        own = edit.reader.head
        change = 0.5 * (self.intact.pattern(own) - after.pattern(own)).abs().sum(-1).mean()
        return WireEffect(*wire, load, self.induction(after, head), self.prediction(after), float(change))


def prove_wire(
    weights: Weights,
    writer: Head | str,
    head: Head | str,
    *,
    apart: Collection[Wire] = (),
    controls: int = 20,
    sequences: Sequences = 8,
    seed: Seed = 0,
) -> CutProof:
    """Cut ``writer`` from the K of ``head`` and compare with wires of the same traffic.

    Controls are the ``controls`` Q and K wires whose log traffic on the same tokens is nearest, among those that
    can change the head's pattern at all (its own sides and lower layers), the wire itself and those in ``apart``
    (the rest of the claimed circuit) left out. Nearest need not be equal: their traffic is told with them. Raises
    Undefined when the wire carries nothing, or when the model has fewer such wires.
    """
    head = weights.architecture.check(parse_head(head), weights.name)
    target: Wire = (str(writer), str(Reader(head.layer, head.index, "K")))
    tokens = random_repeats(weights, sequences, seed=seed)
    bench = _Bench(weights, tokens, run(weights, tokens, record=True))
    loads = qk_traffic(bench.intact)
    if not loads[target] > 0:
        raise Undefined(f"{target[0]} → {target[1]} carries nothing on random repeats, so no control has its traffic")
    network = wiring(weights)
    near = sorted(
        (
            wire
            for wire, load in loads.items()
            if wire not in {target, *apart} and load > 0 and network.can_change(network.reader(wire[1]), head)
        ),
        key=lambda wire: abs(math.log(loads[wire] / loads[target])),
    )
    if len(near) < controls:
        raise Undefined(
            f"{weights.name} has {len(near)} other Q and K wires that could change {head}; "
            f"{controls} controls were asked for"
        )
    return CutProof(
        str(head),
        bench.induction(bench.intact, head),
        bench.prediction(bench.intact),
        bench.effect(target, loads[target], head),
        tuple(bench.effect(wire, loads[wire], head) for wire in near[:controls]),
        sequences,
    )


def qk_traffic(trace: Trace) -> dict[Wire, float]:
    """Traffic of every Q and K wire of a model on one run."""
    return {
        (writer, str(reader)): load
        for reader in wiring(trace.weights).readers
        if reader.side in ("Q", "K")
        for writer, load in reader_traffic(trace, reader).items()
    }
