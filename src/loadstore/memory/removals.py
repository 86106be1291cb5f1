"""Stores of later writers after a writer is removed: for all readers (ablated), or for one reader alone (cut).

Both remove the writer's store minus its mean over the sample. Norms recompute their scales, or keep those of the intact
run. A cut removes the wires into every side of a head. Tests: tests/memory/test_causes.py.
"""

from collections.abc import Iterator, Sequence

from loadstore.axes import Stream
from loadstore.causal.branched import Taken, at_reader
from loadstore.causal.engine import TOKENS, reruns
from loadstore.decomposition.deviations import deviations
from loadstore.execution.branch import Difference, branch
from loadstore.execution.changes import Loss
from loadstore.execution.edits import ablate, freeze
from loadstore.execution.plan import replacement
from loadstore.execution.record import LayerRecord, Record
from loadstore.execution.trace import Trace
from loadstore.memory.depth import readers_of
from loadstore.model.ports import writing
from loadstore.model.wiring import wiring
from loadstore.sites import Reader, Writer

Pair = tuple[Writer, Writer]


def after_cuts(trace: Trace, pairs: Sequence[Pair]) -> Iterator[tuple[int, Stream]]:
    """Yield the index of each pair and the store of its second writer with the wires from the first into it cut."""
    network = wiring(trace.weights)
    groups: dict[tuple[int, bool], list[int]] = {}
    readers: dict[int, list[Reader]] = {}
    for number, (first, second) in enumerate(pairs):
        readers[number] = [each for each in readers_of(trace.weights, second) if network.connects(first, each)]
        groups.setdefault((second.layer, readers[number][0].is_mlp), []).append(number)
    batch, step = len(trace.tokens), max(1, TOKENS // trace.tokens.numel())
    for (layer, _), places in groups.items():
        for together in (places[low : low + step] for low in range(0, len(places), step)):
            losses: list[tuple[int, Loss]] = []
            differences: list[Difference] = []
            for row, number in enumerate(together):
                first = pairs[number][0]
                for reader in readers[number]:
                    if reader.is_mlp:
                        store = trace.store(first)
                        losses.append((row, Loss(first, reader, store - replacement(store, "mean"))))
                    else:
                        part = deviations(trace, reader, writers=[first])[first]
                        differences.append(Difference(row, reader, part))
            record = _layer(trace, Taken(len(together), layer, differences, losses))
            for row, number in enumerate(together):
                only = Record(layers=[record.rows(slice(row * batch, (row + 1) * batch))])
                yield number, _of(trace, pairs[number][1], only, layer)


def _layer(trace: Trace, taken: Taken) -> LayerRecord:
    """The record of the readers' layer; for heads without a norm after them, nothing after the heads is computed."""
    base = trace.record.layers[taken.start]
    if taken.differences and base.after_heads is None:
        return branch(trace.weights, taken.start, base, taken.differences, taken.runs)
    record, _ = at_reader(trace, taken)
    assert record is not None
    return record


def after_ablations(
    trace: Trace, writers: Sequence[Writer], *, frozen: bool = False
) -> Iterator[tuple[int, "Ablated"]]:
    """Yield the run with each writer ablated by its mean; ``frozen``: norms keep the intact run's scales."""
    scales = [freeze("norms", trace)] if frozen else []
    for batch in reruns(trace, [[ablate(writer), *scales] for writer in writers], keep=True):
        assert batch.record is not None
        for row, index in enumerate(batch.places):
            yield index, Ablated(trace, batch.start, batch.record.rows(batch.rows(row)))


class Ablated:
    """One run without a writer: the stores of the others, and the last stream with its scale."""

    def __init__(self, trace: Trace, start: int, record: Record) -> None:
        self._trace, self._start, self.record = trace, start, record

    def store(self, writer: Writer) -> Stream:
        """The store of a later writer."""
        return _of(self._trace, writer, self.record, self._start)


def _of(trace: Trace, writer: Writer, record: Record, start: int) -> Stream:
    """The store of a writer in a record whose first layer is ``start``."""
    layer = record.layers[writer.layer - start]
    inner = layer.mlp if writing(trace.weights, writer).out is None else layer.inner[:, :, writer.index]
    assert inner is not None
    return writing(trace.weights, writer).sent(inner)
