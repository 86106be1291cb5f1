"""The causal fraction of a term: the fraction that disappears when its writer is removed, with an interval.

    term_i(x) = Σ_t ⟨x̂_t, ŵ_t⟩ in piece i       fraction = Σ_i (term_i(x) − term_i(x′))/Σ_i term_i(x)

where x′ is the store of x with w ablated, or with the wires w → x cut; means are those of the intact sample. Across
tokens, ŵ_t is multiplied with Σ_{i > t} A_it x̂_i, with the pattern A of the intact run in both. 1: the whole term
follows from w. 0: the term has another cause. Source: the check of Janiak et al. 2023, with intervals.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

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
from loadstore.memory.terms import met_later
from loadstore.progress import Progress
from loadstore.sites import Writer

LEAST = 1e-3  # a fraction above this is not rounding


class Term(NamedTuple):
    """A writer and a later one; ``across``: the later one stores at tokens that load from the writer's."""

    writer: Writer
    later: Writer
    across: bool = False


@dataclass(frozen=True)
class Causes:
    """Both causal fractions of one pair; ``ablated`` is None if the cut already shows no effect."""

    cut: Ratio
    ablated: Ratio | None

    @property
    def shown(self) -> bool:
        """Whether both intervals lie above 0 (above .001, which exceeds rounding)."""
        return self.cut.low > LEAST and self.ablated is not None and self.ablated.low > LEAST


def causes(
    trace: Trace, asked: Sequence[Term], progress: Progress | None = None
) -> tuple[list[Causes], dict[Writer, Repair]]:
    """Remove the writer of each term: by a cut for all terms, and by ablation if the cut shows an effect.

    Also returns how much of each ablated writer is repaired (memory/repair.py).
    """
    intact: dict[Writer, Tensor] = {}

    def deviation(writer: Writer) -> Stream:
        if writer not in intact:
            store = trace.store(writer)
            intact[writer] = store - replacement(store, "mean")
        return intact[writer]

    def terms(term: Term, store: Stream | None = None) -> Float[np.ndarray, " piece"]:
        """The part of each piece's term that disappears; without ``store``, the whole term."""
        gone = (deviation(term.later) if store is None else trace.store(term.later) - store)[:, 1:]
        if term.across:
            pattern = trace.record.layers[term.later.layer].pattern[:, term.later.index, 1:, 1:]
            gone = met_later(pattern, gone)
        return (gone * deviation(term.writer)[:, 1:]).sum((1, 2)).to(torch.float64).cpu().numpy()

    pairs = list(dict.fromkeys((term.writer, term.later) for term in asked))
    cuts: dict[Term, Ratio] = {}
    for done, (number, store) in enumerate(after_cuts(trace, pairs), 1):
        cuts |= {term: ratio(terms(term, store), terms(term)) for term in asked if term[:2] == pairs[number]}
        if progress is not None:
            progress(done, 2 * len(pairs))
    left = [term for term in asked if cuts[term].low > LEAST]
    ablated: dict[Term, Ratio] = {}
    writers = list(dict.fromkeys(term.writer for term in left))
    repairs: dict[Writer, Repair] = {}
    for done, (index, run) in enumerate(after_ablations(trace, writers), 1):
        mine = [term for term in left if term.writer == writers[index]]
        ablated |= {term: ratio(terms(term, run.store(term.later)), terms(term)) for term in mine}
        repairs[writers[index]] = repair_of(trace, writers[index], run.record)
        if progress is not None:
            progress(len(pairs) + done * len(pairs) // len(writers), 2 * len(pairs))
    return [Causes(cuts[term], ablated.get(term)) for term in asked], repairs
