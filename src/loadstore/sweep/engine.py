"""What runs the items of a sweep: each unit of items in one place, one after the other, all units side by side."""

from collections.abc import Iterator, Sequence
from typing import Protocol, TypeAlias, runtime_checkable

from loadstore.errors import BadRequest
from loadstore.sweep.compute import Outcome, compute
from loadstore.sweep.item import Item
from loadstore.sweep.store import Store

Unit: TypeAlias = Sequence[Item]
"""Items of one checkpoint, which is opened once for all of them."""


@runtime_checkable
class Engine(Protocol):
    """Computes items and writes their results."""

    def run(self, units: Sequence[Unit], store: Store) -> Iterator[Outcome]:
        """Yield how each item ended, in any order; its result is in the store before it is yielded as done."""
        ...


class Here:
    """Computes in this process."""

    def run(self, units: Sequence[Unit], store: Store) -> Iterator[Outcome]:
        """Compute one item after the other."""
        for unit in units:
            for item in unit:
                yield computed(item, store)


def computed(item: Item, store: Store) -> Outcome:
    """Compute an item, and write its result."""
    data, outcome = compute(item, store.suffix)
    return outcome if outcome.reason else written(data, outcome, store)


def written(data: bytes, outcome: Outcome, store: Store) -> Outcome:
    """Write the result of an item that was computed; a refusal of the disk is the reason of its failure."""
    try:
        store.write(outcome.key, data)
    except BadRequest as error:
        return Outcome(outcome.key, str(error), outcome.seconds, outcome.peak)
    return outcome
