"""Controls of a wire: other wires that carry as much, chosen by one rule for every proof, report and screen.

The size of a wire on a run measures the part that a mean cut removes from its reader, in the reader's unit:

    Q, K      √E_i Var_{j∼A_i}(δs_ij)     nats: the change of scores, as softmax sees it
    V         √E_t ‖δv_t W_O‖²            the change of the head's store from one source token
    MLP       √E_t ‖δx_t W_in‖²           gate and up concatenated
    unembed   √E_t ‖δx_t W_U‖²            W_U centred over the vocabulary

Controls are the wires nearest in size, by |log(size / own size)|:

- They end in a reader of the same kind, since other kinds have another unit.
- They carry something, and they are not part of the claim (``outside``).
- Their readers can change the measured number (``readers``).
- They end in the layer of the wire's own reader. Layers one step away, then two, and so on are added only while there
  are fewer wires than requested.

The rule is nearest, not at least as large: a claimed wire is often the largest of its side and would have no controls.
Reasons: docs/interventions.md. Tests: tests/causal/test_controls.py.
"""

import itertools
import math
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TypeAlias, TypeVar

from loadstore.causal.sweep import Wire
from loadstore.decomposition.deviations import removed
from loadstore.errors import Undefined
from loadstore.execution.plan import replacement
from loadstore.execution.trace import Trace
from loadstore.model.ports import reading
from loadstore.model.wiring import wiring
from loadstore.sites import Reader, Writer
from loadstore.wire_traffic.exact import reader_traffic

_Key = TypeVar("_Key", bound=Hashable)
Sizes: TypeAlias = Callable[[Reader], Mapping[Writer, float]]
"""The size of every wire into a reader: of one run (``sizes_on``), or a column of a table of traffic."""
NOTHING = 1e-6  # relative to the largest size; smaller sizes in single precision are rounding errors
DIGITS = 9  # digits of a log ratio; wires that agree to this precision count as equally near


@dataclass(frozen=True)
class Controls:
    """The controls of one wire, nearest first.

    Args:
        wire: The wire of the claim.
        size: Its size.
        wires: The controls.
        sizes: Their sizes.
        asked: How many were requested; the model may have fewer.
    """

    wire: Wire
    size: float
    wires: tuple[Wire, ...]
    sizes: tuple[float, ...]
    asked: int

    @property
    def larger(self) -> int:
        """How many controls are at least as large as the wire."""
        return sum(size >= self.size for size in self.sizes)


def controls_of(
    wire: Wire, count: int, sizes: Sizes, readers: Sequence[Reader], *, outside: Collection[Wire] = ()
) -> Controls:
    """Choose the controls of a wire.

    Args:
        wire: The wire of the claim.
        count: How many controls to choose.
        sizes: The size of every wire into a reader, such as ``sizes_on(trace)``.
        readers: In depth order, the readers whose wires can change the measured number.
        outside: Wires that must not be controls, such as all wires of the claim.

    Returns:
        ``count`` controls, or all available if there are fewer.

    Raises:
        Undefined: The wire carries nothing, or no other wire can be a control.
    """
    writer, reader = wire
    size = sizes(reader)[writer]
    if not size > NOTHING * max(sizes(reader).values()):
        raise Undefined(f"{writer} → {reader} carries nothing on this run, so it has no controls that carry as much")
    candidates: dict[Wire, float] = {}
    same = [other for other in readers if other.side == reader.side]
    for distance in sorted({abs(other.layer - reader.layer) for other in same}):
        if len(candidates) >= count:
            break
        near_readers = [other for other in same if abs(other.layer - reader.layer) == distance]
        each = {(source, target): value for target in near_readers for source, value in sizes(target).items()}
        candidates |= {other: value for other, value in each.items() if other not in {wire, *outside}}
        least = NOTHING * max(size, *candidates.values(), 0.0)
        candidates = {other: value for other, value in candidates.items() if value > least}
    if not candidates:
        raise Undefined(f"{writer} → {reader} has no controls: no other wire of its kind carries anything")
    chosen = tuple(nearest(size, candidates, count))
    return Controls(wire, size, chosen, tuple(candidates[other] for other in chosen), count)


def nearest(size: float, sizes: Mapping[_Key, float], count: int) -> list[_Key]:
    """The ``count`` keys whose positive size has the smallest |log(size / own size)|; ties keep their order."""
    positive = [key for key, value in sizes.items() if value > 0]
    return sorted(positive, key=lambda key: round(abs(math.log(sizes[key] / size)), DIGITS))[:count]


def control_sets(
    wires: Sequence[Wire], count: int, sizes: Sizes, readers: Sequence[Reader], *, outside: Collection[Wire] = ()
) -> list[tuple[Wire, ...]]:
    """Choose controls of wires that are cut together: one control for each wire, all of them different.

    Args:
        wires: The wires of the claim, one or several.
        count: How many sets to choose.
        sizes: As for ``controls_of``.
        readers: As for ``controls_of``.
        outside: As for ``controls_of``; the wires themselves need not be named.

    Returns:
        ``count`` sets, or all available if there are fewer. Set k takes, for each wire, its k-th nearest control or the
        next one that is not yet in the set. No set occurs twice. If that gives too few sets, the second wire's control
        is taken one place further than the first's, the third's two places, and so on; then two and four places.

    Raises:
        Undefined: One of the wires carries nothing, or has no control.
    """
    sets: list[tuple[Wire, ...]] = []
    for among in sorted({count, count + len(wires) - 1}):  # more only if needed, since they may be in other layers
        each = [controls_of(wire, among, sizes, readers, outside={*outside, *wires}).wires for wire in wires]
        sets = _different(each)[:count]
        if len(sets) == count:
            break
    return sets


def _different(each: Sequence[Sequence[Wire]]) -> list[tuple[Wire, ...]]:
    """Sets with one wire from each list; see ``control_sets``."""
    sets: dict[frozenset[Wire], tuple[Wire, ...]] = {}
    for further, start in itertools.product(range(2 * len(each)), range(max(map(len, each)))):
        members: list[Wire] = []
        for index, candidates in enumerate(each):
            members += [wire for wire in candidates[start + further * index :] if wire not in members][:1]
        if len(members) == len(each):
            sets.setdefault(frozenset(members), tuple(members))
    return list(sets.values())


def sizes_on(trace: Trace) -> Sizes:
    """The sizes of wires on one run, measured once per reader. The result raises Undefined for a run with cuts."""

    @cache
    def sizes(reader: Reader) -> Mapping[Writer, float]:
        return wire_sizes(trace, reader)

    return sizes


def wire_sizes(trace: Trace, reader: Reader) -> dict[Writer, float]:
    """The size of every wire into one reader on one run. Raises Undefined for a run with cuts."""
    network = wiring(trace.weights)
    if not (reader.is_mlp or reader.is_unembed):
        return {network.writer(name): load for name, load in reader_traffic(trace, reader).items()}
    matrix = reading(trace.weights, reader).matrix
    gram = matrix @ matrix.mT
    if reader.is_unembed:
        mean = matrix.mean(1, keepdim=True)
        gram = gram - matrix.shape[1] * (mean @ mean.mT)
    sizes: dict[Writer, float] = {}
    for writer in network.writers_of(reader):
        rows = removed(trace, reader, writer)[:, 1:].flatten(0, 1)
        sizes[writer] = float(((rows @ gram) * rows).sum(-1).mean().clamp(min=0).sqrt())
    return sizes


def store_size(trace: Trace, writer: Writer) -> float:
    """√E_t ‖o_t − ō‖² of a writer's store on one run: the size of the part that a mean ablation removes."""
    store = trace.store(writer)
    return float((store - replacement(store, "mean"))[:, 1:].square().sum(-1).mean().sqrt())
