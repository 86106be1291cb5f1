"""The effect of wires of each length: the change of the reader when they are cut, for as many wires at each distance.

The change is that of ``cut_each``: total variation of the pattern for Q and K, relative change of the store for V and
MLPs. Wires are sampled at random from each distance, with a fixed seed; those into the unembedding are left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

import numpy as np

from loadstore.causal.cutting import reader_changes
from loadstore.execution.trace import Trace
from loadstore.model.wiring import wiring
from loadstore.progress import Progress
from loadstore.sites import Reader, Writer


@dataclass(frozen=True, eq=False)
class Effects:
    """The mean effect of wires by their distance, its standard error over wires, and how many were cut."""

    distance: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=int))
    effect: np.ndarray = field(default_factory=lambda: np.zeros(0))
    error: np.ndarray = field(default_factory=lambda: np.zeros(0))
    wires: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=int))


def effects_by_distance(
    trace: Trace, writers: Sequence[Writer], count: int, progress: Progress | None = None
) -> Effects:
    """Cut about ``count`` wires, the same number at each distance if available."""
    chosen = drawn_wires(trace, writers, count)
    changes: dict[int, list[float]] = {}
    for done, (distance, wires) in enumerate(chosen.items(), 1):
        changes[distance] = reader_changes(trace, wires)
        if progress is not None:
            progress(done, len(chosen))
    lengths = np.array([len(group) for group in changes.values()])
    errors = [np.std(group, ddof=1) / len(group) ** 0.5 if len(group) > 1 else np.nan for group in changes.values()]
    means = [float(np.mean(group)) for group in changes.values()]
    return Effects(np.array(list(changes)), np.array(means), np.array(errors, dtype=float), lengths)


def drawn_wires(trace: Trace, writers: Sequence[Writer], count: int) -> dict[int, list[tuple[Writer, Reader]]]:
    """Wires by distance, nearest first; every call draws the same ones."""
    network = wiring(trace.weights)
    lengths: dict[int, list[tuple[Writer, Reader]]] = {}
    for reader in network.readers:
        for writer in writers if not reader.is_unembed else ():
            if network.connects(writer, reader):
                lengths.setdefault(reader.layer - max(-1, writer.layer), []).append((writer, reader))
    each, random = max(1, count // max(1, len(lengths))), Random(0)
    return {
        distance: random.sample(lengths[distance], min(each, len(lengths[distance]))) for distance in sorted(lengths)
    }
