"""Clean-up and repeater pairs: terms of a lifetime that are large, exceed two nulls, and are caused by their writer.

A pair (w, x) is reported if all of these hold:

- |E⟨x̂, ŵ⟩| ≥ 5 % of E‖ŵ‖²: x erases (−) or repeats (+) that much of what w stored;
- the term exceeds the nulls of shuffled tokens and of rotated stores, at 1 % over all pairs (Bonferroni);
- both causal fractions, from the cut of w → x and from the ablation of w, have 95 % intervals above 0;
- the caused part, the term times the smaller fraction, is also at least 5 %; the rest has another cause.

Removals are run for ``checks`` of the pairs that exceed both nulls. They alternate between the largest remaining term
and the largest cosine E⟨x̂, ŵ⟩/√(E‖ŵ‖² E‖x̂‖²), because writers with a large norm have large terms with every writer
of small norm. The number of pairs left out is reported.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan

import numpy as np

from loadstore.memory.causes import Causes
from loadstore.memory.nulls import Nulls, two_sided
from loadstore.sites import Writer

LARGE = 0.05  # of the power of the writer's store
LEVEL = 0.01  # family-wise


@dataclass(frozen=True)
class Pair:
    """A writer and a later one that erases or repeats its store.

    Args:
        writer: The writer w.
        later: The later writer x.
        term: E⟨x̂, ŵ⟩/E‖ŵ‖²: −1 erases all of it, 1 stores it once more.
        z_shuffled: The term divided by its standard deviation under shuffled tokens.
        z_turned: The term divided by its standard deviation under rotations of x's store.
        causes: The causal fractions; None if no removals were run.
        across: Whether the later writer stores at tokens that load from the writer's, weighted by attention.
    """

    writer: str
    later: str
    term: float
    z_shuffled: float
    z_turned: float
    causes: Causes | None = None
    across: bool = False

    @property
    def kind(self) -> str:
        """``"clean-up"`` or ``"repeater"``."""
        return "clean-up" if self.term < 0 else "repeater"

    @property
    def caused(self) -> float:
        """The part of the term that disappears in both removals; NaN if they were not run or the cut shows nothing."""
        removal = self.causes
        if removal is None or removal.ablated is None:
            return nan
        return self.term * min(removal.cut.value, removal.ablated.value)

    @property
    def reported(self) -> bool:
        """Whether the removals show that enough of the term is caused by the writer."""
        return self.causes is not None and self.causes.shown and abs(self.caused) >= LARGE

    def beyond(self, tests: int) -> bool:
        """Whether the term exceeds both nulls when ``tests`` pairs are tested."""
        return two_sided(min(abs(self.z_shuffled), abs(self.z_turned))) * tests < LEVEL


@dataclass(frozen=True)
class Screen:
    """The number of pairs at each stage before removals.

    Args:
        tests: Pairs of a writer and a later one.
        large: Those whose term is at least 5 %.
        beyond: Those of the large ones that exceed both nulls.
        checked: Those of them that removals were run for.
    """

    tests: int
    large: int
    beyond: int
    checked: int


@dataclass(frozen=True, eq=False)
class Terms:
    """The terms of all pairs, at one token or across tokens.

    Args:
        term: E⟨x̂, ŵ⟩/E‖ŵ‖² [writer, later].
        size: E‖ŵ‖² of each writer.
        size_of_later: E‖x̂‖² of each later one; across tokens, of the weighted sum of stores at loading tokens.
        follows: Which pairs exist.
        across: Whether the terms are across tokens.
    """

    term: np.ndarray
    size: np.ndarray
    size_of_later: np.ndarray
    follows: np.ndarray
    across: bool = False

    @property
    def large(self) -> np.ndarray:
        """Indices [pair, 2] of the terms of at least 5 %."""
        return np.argwhere(self.follows & (np.abs(np.nan_to_num(self.term)) >= LARGE))


def screened(
    terms: Terms, nulls: Nulls, writers: Sequence[Writer], others: Sequence[Writer], checks: int
) -> tuple[list[Pair], Screen]:
    """The pairs to run removals for, alternating between the largest term and the largest cosine.

    Args:
        terms: All terms.
        nulls: Their nulls on the same corpus.
        writers: Rows of the terms.
        others: Columns of the terms.
        checks: The maximum number of pairs.
    """
    tests, large, size = int(terms.follows.sum()), terms.large, terms.size
    candidates: list[tuple[float, Pair]] = []
    for row, column in large:
        value, by_chance = float(terms.term[row, column]), nulls.of(writers[row], others[column])
        part = float(size[row]) * value  # E⟨x̂, ŵ⟩
        z = [part / each if each > 0 else 0.0 for each in (by_chance.shuffled, by_chance.turned)]
        pair = Pair(str(writers[row]), str(others[column]), value, z[0], z[1], across=terms.across)
        if pair.beyond(tests):
            cosine = value * (float(size[row]) / float(terms.size_of_later[column])) ** 0.5
            candidates.append((cosine, pair))
    chosen = _alternating(candidates)[:checks]
    return chosen, Screen(tests, len(large), len(candidates), len(chosen))


def _alternating(candidates: Sequence[tuple[float, Pair]]) -> list[Pair]:
    """Pairs by size of the term and by cosine, alternating, without repetitions."""
    by_term = sorted(candidates, key=lambda each: -abs(each[1].term))
    by_cosine = sorted(candidates, key=lambda each: -abs(each[0]))
    return list(dict.fromkeys(pair for both in zip(by_term, by_cosine, strict=True) for _, pair in both))
