"""The causal fraction of a term: the part of it that goes when its writer is removed, with an interval.

    term_i(x) = Σ_t ⟨x̂_t, ŵ_t⟩ in piece i       fraction = Σ_i (term_i(x) − term_i(x′))/Σ_i term_i(x)

where x′ is what x stores with w ablated, or with the wires w → x cut; means are those of the intact sample. 1: all
of the term follows from w. 0: it has another cause. Source: the check of Janiak et al. 2023, with intervals.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from loadstore.axes import Stream
from loadstore.execution.plan import replacement
from loadstore.execution.trace import Trace
from loadstore.memory.intervals import Ratio, ratio
from loadstore.memory.removals import after_ablations, after_cuts
from loadstore.memory.repair import Repair, repair_of
from loadstore.progress import Progress
from loadstore.sites import Writer

Pair = tuple[Writer, Writer]
LEAST = 1e-3  # a fraction above it is more than rounding


@dataclass(frozen=True)
class Causes:
    """Both causal fractions of one pair; ``ablated`` is None where the cut already shows nothing."""

    cut: Ratio
    ablated: Ratio | None

    @property
    def shown(self) -> bool:
        """Whether both intervals lie above 0 (above .001, which rounding does not reach)."""
        return self.cut.low > LEAST and self.ablated is not None and self.ablated.low > LEAST


def causes(
    trace: Trace, pairs: Sequence[Pair], progress: Progress | None = None
) -> tuple[list[Causes], dict[Writer, Repair]]:
    """Remove the first writer of each pair: by cuts for all pairs, by ablation where a cut shows something.

    Also returns how much of each ablated writer is repaired (memory/repair.py).
    """
    intact: dict[Writer, Tensor] = {}

    def deviation(writer: Writer) -> Stream:
        if writer not in intact:
            store = trace.store(writer)
            intact[writer] = store - replacement(store, "mean")
        return intact[writer]

    def terms(pair: Pair, store: Stream | None = None) -> Float[np.ndarray, " piece"]:
        """What goes of each piece's term, or without a store all of it."""
        gone = deviation(pair[1]) if store is None else trace.store(pair[1]) - store
        return _terms(gone, deviation(pair[0]))

    cuts: dict[int, Ratio] = {}
    for number, store in after_cuts(trace, pairs):
        cuts[number] = ratio(terms(pairs[number], store), terms(pairs[number]))
        if progress is not None:
            progress(len(cuts), 2 * len(pairs))
    left = [number for number in range(len(pairs)) if cuts[number].low > LEAST]
    ablated: dict[int, Ratio] = {}
    writers = list(dict.fromkeys(pairs[number][0] for number in left))
    repairs: dict[Writer, Repair] = {}
    for done, (index, run) in enumerate(after_ablations(trace, writers), 1):
        writer = writers[index]
        for number in (number for number in left if pairs[number][0] == writer):
            ablated[number] = ratio(terms(pairs[number], run.store(pairs[number][1])), terms(pairs[number]))
        repairs[writer] = repair_of(trace, writer, run.record)
        if progress is not None:
            progress(len(pairs) + done * len(pairs) // len(writers), 2 * len(pairs))
    return [Causes(cuts[number], ablated.get(number)) for number in range(len(pairs))], repairs


def _terms(later: Stream, stored: Stream) -> Float[np.ndarray, " piece"]:
    return (later[:, 1:] * stored[:, 1:]).sum((1, 2)).to(torch.float64).cpu().numpy()
