"""The effect of cutting a wire compared with its controls, wires that carry as much but should matter less."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from loadstore.axes import Tokens
from loadstore.bounds import Seed, Sequences
from loadstore.causal.collapse import collapses, falls
from loadstore.causal.controls import controls_of, sizes_on
from loadstore.causal.engine import reruns
from loadstore.causal.sweep import Wire
from loadstore.causal.variation import variation
from loadstore.errors import Undefined
from loadstore.execution.edits import cut
from loadstore.execution.run import run
from loadstore.execution.trace import Trace
from loadstore.heads.patterns import mass_on, role_masks
from loadstore.heads.roles import bos_of, random_repeats
from loadstore.model.weights import Weights
from loadstore.model.wiring import wiring
from loadstore.sites import EMBED, POS, Head, Reader, Writer, parse_head, parse_writer


def induction_circuit(previous: Head, heads: Collection[Head]) -> set[Wire]:
    """All wires of the induction circuit of these heads. They are not controls for each other."""
    store, first = Writer("head", previous.layer, previous.index), (previous.layer, previous.index)
    inside: set[Wire] = {(POS, Reader(*first, "Q")), (POS, Reader(*first, "K")), (EMBED, Reader(*first, "V"))}
    for head in heads:
        last = (head.layer, head.index)
        inside |= {(EMBED, Reader(*last, "Q")), (store, Reader(*last, "K")), (EMBED, Reader(*last, "V"))}
    return inside


@dataclass(frozen=True, slots=True)
class WireEffect:
    """One wire, and the behaviour of the model with it cut.

    ``induction``: the watched head's score. ``prediction``: the mean probability of the true next token on second
    copies. ``pattern_change``: the total variation of the pattern of the wire's own reader.
    """

    writer: str
    reader: str
    traffic: float
    induction: float
    prediction: float
    pattern_change: float


@dataclass(frozen=True)
class CutProof:
    """A cut K wire and its controls, the nearest in traffic. Scores are means over ``sequences`` random repeats."""

    head: str
    intact: float
    predicted: float
    cut: WireEffect
    controls: tuple[WireEffect, ...]
    sequences: int

    @property
    def beyond_all_controls(self) -> bool:
        """Whether the cut lowers the head's score further than any control moves it."""
        return falls((self.intact, self.cut.induction), [control.induction for control in self.controls])

    @property
    def prediction_beyond(self) -> bool:
        """Whether the cut lowers the prediction further than any control moves it."""
        return falls((self.predicted, self.cut.prediction), [control.prediction for control in self.controls])

    @property
    def collapses(self) -> bool:
        """Whether attention falls below half, and both attention and prediction fall further than for any control."""
        return collapses(
            (self.intact, self.cut.induction),
            (self.predicted, self.cut.prediction),
            [(control.induction, control.prediction) for control in self.controls],
        )


@dataclass(frozen=True)
class _Bench:
    """One batch of repeats and its intact run, the reference for every cut."""

    weights: Weights
    tokens: Tokens
    intact: Trace

    def induction(self, trace: Trace, head: Head) -> float:
        """Mean attention of a head to the token after the earlier occurrence."""
        window = self.weights.architecture.window(head.layer)
        mask = role_masks(self.tokens, bos_of(self.weights), window)["induction"]
        return float(mass_on(trace.pattern(head)[:, None], mask)[0].nanmean())

    def prediction(self, trace: Trace) -> float:
        """Mean probability of the true next token after tokens that repeat an earlier one."""
        follows = role_masks(self.tokens, bos_of(self.weights))["induction"].any(-1)[:, :-1]
        logits, expected = trace.logits[:, :-1][follows], self.tokens[:, 1:][follows].to(trace.logits.device)
        return float(logits.softmax(-1).gather(1, expected[:, None]).mean())

    def effects(self, wires: Sequence[Wire], sizes: Sequence[float], head: Head) -> list[WireEffect]:
        """Cut each wire separately."""
        effects: dict[int, WireEffect] = {}
        for batch in reruns(self.intact, [[cut(*wire)] for wire in wires], keep=True):
            for index, after in batch.traces():
                writer, reader = wires[index]
                patterns = (run.pattern(reader.head) for run in (self.intact, after))
                change = variation(self.weights, reader.layer, *patterns).mean()
                numbers = (self.induction(after, head), self.prediction(after), float(change))
                effects[index] = WireEffect(str(writer), str(reader), sizes[index], *numbers)
        return [effects[index] for index in range(len(wires))]


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
    """Cut ``writer`` from the K of ``head`` and compare with its controls on the same random repeats.

    Args:
        weights: The model.
        writer: The writer whose wire into the head's K is cut.
        head: The head that reads it.
        apart: The rest of the claimed circuit, whose wires are not controls.
        controls: How many controls: the K wires nearest in traffic (``loadstore.causal.controls``) that can change the
            head's pattern, which are its own and those of lower layers.
        sequences: How many random repeats to run.
        seed: The seed of the repeats.

    Returns:
        The effects of the cut and of its controls, each with its traffic.

    Raises:
        NoSuchSite: The model has no such head or writer.
        NoSuchWire: The head does not load from the writer.
        Undefined: The wire carries nothing, or the model has fewer such controls.
    """
    head = weights.architecture.check(parse_head(head), weights.name)
    network = wiring(weights)
    target = network.wire(parse_writer(writer), Reader(head.layer, head.index, "K"))
    tokens = random_repeats(weights, sequences, seed=seed)
    bench = _Bench(weights, tokens, run(weights, tokens, record=True))
    readers = [reader for reader in network.readers if network.can_change(reader, head)]
    beside = controls_of(target, controls, sizes_on(bench.intact), readers, outside=apart)
    if len(beside.wires) < controls:
        raise Undefined(
            f"{weights.name} has {len(beside.wires)} other K wires that carry anything and could change {head}; "
            f"{controls} controls were asked for"
        )
    own, *others = bench.effects([target, *beside.wires], [beside.size, *beside.sizes], head)
    intact, predicted = bench.induction(bench.intact, head), bench.prediction(bench.intact)
    return CutProof(str(head), intact, predicted, own, tuple(others), sequences)
