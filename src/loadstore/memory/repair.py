"""Self-repair: the fraction of a removed store that a model restores, by writing and by the last norm's scale.

With x and x′ the last stream of the intact run and of the run with w ablated, s = 1/σ and s′ their last scales,

    x′s′ − xs = (x′ − x) s + x′ (s′ − s)        each along ŵ s, over E‖ŵ s‖², first positions left out

    writing = 1 + E⟨(x′ − x) s, ŵ s⟩/E‖ŵ s‖²     0: nothing was restored, 1: all of it, below 0: more was lost
    scale   = E⟨x′ (s′ − s), ŵ s⟩/E‖ŵ s‖²        the gain of a smaller σ along ŵ without any writing

``frozen``: ``writing`` in a run in which every norm keeps its intact scale, so that later writers respond to the
missing store and not to a changed scale. Sources: McGrath et al. 2023; Rushing and Nanda 2024.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan

from loadstore.errors import Undefined
from loadstore.execution.plan import replacement
from loadstore.execution.record import Record
from loadstore.execution.trace import Trace
from loadstore.memory.intervals import Ratio, ratio
from loadstore.memory.removals import after_ablations
from loadstore.model.ports import reading
from loadstore.sites import UNEMBED, Writer

UNMEASURED = Ratio(nan, nan, nan)


@dataclass(frozen=True)
class Repair:
    """The restored fractions of one writer's store; ``frozen`` is NaN until it is measured."""

    writing: Ratio
    scale: Ratio
    frozen: Ratio = UNMEASURED


def repair_of(trace: Trace, writer: Writer, ablated: Record) -> Repair:
    """Compare the last stream of a run without ``writer`` with that of the intact run."""
    port, record = reading(trace.weights, UNEMBED), trace.record
    assert record.final is not None
    assert ablated.final is not None
    assert record.final_inverse_scale is not None
    assert ablated.final_inverse_scale is not None
    scale, now = record.final_inverse_scale[:, 1:].double(), ablated.final_inverse_scale[:, 1:].double()
    store = trace.store(writer)
    gone = port.centred((store - replacement(store, "mean"))[:, 1:].double()) * scale
    after, before = (port.centred(each.final[:, 1:].double()) for each in (ablated, record) if each.final is not None)
    size = gone.square().sum((1, 2))
    written = size + ((after - before) * scale * gone).sum((1, 2))
    scaled = (after * (now - scale) * gone).sum((1, 2))
    return Repair(*(ratio(part.cpu().numpy(), size.cpu().numpy()) for part in (written, scaled)))


def frozen_repairs(trace: Trace, writers: Sequence[Writer]) -> dict[Writer, Ratio]:
    """``writing`` of each writer with every norm's scale frozen; NaN if such a run overflows.

    If the removed store kept σ large, frozen scales can make the stream overflow.
    """
    repairs: dict[Writer, Ratio] = {}
    for writer in writers:
        try:
            ((_, run),) = after_ablations(trace, [writer], frozen=True)
            repairs[writer] = repair_of(trace, writer, run.record).writing
        except Undefined:
            repairs[writer] = UNMEASURED
    return repairs
