"""Few cases instead of a product: most faults need one value, or two values that meet; a third hardly ever adds one.

Cf. Kuhn, Wallace, Gallo 2004, Software fault interactions and implications for software testing.
"""

from collections.abc import Callable, Hashable, Iterable, Sequence
from itertools import combinations
from typing import Any, TypeVar

Row = TypeVar("Row")


def pairs(rows: Iterable[Row], facts: Callable[[Row], Sequence[Hashable]] = tuple) -> list[Row]:
    """Few of the rows, in which every two facts meet that meet in any of them: ``pairs(product(A, B, C))``.

    ``facts`` of a row: the row itself, or what matters of it, at the same places in all rows. Greedy, the earliest of
    equals first, so that the same rows give the same choice everywhere.
    """
    met = [(row, set(combinations(enumerate(facts(row)), 2))) for row in rows]
    missing = set[Any]().union(*(held for _, held in met))
    chosen: list[Row] = []
    while missing:
        row, held = max(met, key=lambda one: len(one[1] & missing))
        chosen.append(row)
        missing -= held
    return chosen
