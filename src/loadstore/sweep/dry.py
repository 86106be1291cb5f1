"""What a sweep would need, without running it: arithmetic, bytes to read, memory and time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from loadstore.cost.machine import ORDINARY, Machine
from loadstore.cost.work import Cost, Work
from loadstore.sweep.plan import Plan
from loadstore.sweep.store import RESULTS, Store
from loadstore.sweep.work import TOGETHER, opened

START = 2.5  # seconds until a worker computes: Python, torch and xarray
BASE = 350e6  # bytes of a worker that has computed nothing
SHA = 1e9  # bytes per second of a digest
ITEM = 0.01  # seconds that every item takes besides its analysis


@dataclass(frozen=True, slots=True)
class Need:
    """What one item needs.

    Args:
        item: Its name.
        cost: Its arithmetic and time.
        there: Whether its result is there.
        read: Bytes of its checkpoint that are read for it: by the sweep, with the first item, and by each unit.
        memory: Bytes of its process.
        reason: Why it would fail, if that is known.
    """

    item: str
    cost: Cost
    there: bool = False
    read: float = 0.0
    memory: float = 0.0
    reason: str = ""


def needs(plan: Plan, store: Store) -> Iterator[Need]:
    """The needs of each item; checkpoints are read for their keys only if there are results already."""
    resumed = any((store.folder / RESULTS).glob("*"))
    for checkpoint in opened(plan, digest=resumed):
        if checkpoint.reason:
            nothing = Cost(Work(), 0.0)
            yield Need(f"every analysis of {checkpoint.name}", nothing, reason=checkpoint.reason)
        first = True
        for item, cost in checkpoint.items:
            there = resumed and store.read(item.key) is not None
            alone = cost.seconds(ORDINARY) >= TOGETHER
            read = 0.0 if there else float(checkpoint.size) * (2 * first + (alone and not first))
            first = first and there
            memory = BASE + checkpoint.size + cost.memory
            yield Need(str(item), cost, there=there, read=read, memory=memory)


def total(listed: Sequence[Need], here: Machine, workers: int) -> dict[str, float]:
    """The sums over all items to compute: operations, bytes, the largest memory, and seconds on so many workers."""
    rest = [need for need in listed if not need.there]
    read = sum((need.read for need in rest), 0.0)
    work = [need.cost.seconds(here) + need.read / SHA + ITEM for need in rest]
    return {
        "operations": sum((need.cost.operations for need in rest), 0.0),
        "bytes": read,
        "memory": max([need.memory for need in rest], default=0.0),
        "seconds": START + max(sum(work) / workers, *work) if rest else 0.0,
    }
