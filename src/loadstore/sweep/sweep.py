"""Runs a plan: opens its checkpoints, computes what is missing, and compares the models."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from loadstore.atomic import write_whole
from loadstore.cost.machine import Machine
from loadstore.cost.work import Cost
from loadstore.sweep.engine import Engine, Unit
from loadstore.sweep.item import Item
from loadstore.sweep.plan import Plan
from loadstore.sweep.store import INDEX, TABLE, Store
from loadstore.sweep.table import Comparison, csv_text, index_text, row_of
from loadstore.sweep.work import Opened, opened, units

Show: TypeAlias = Callable[[str, int, int, float], None]
"""Called with the step, its number, the number of steps, and the share of the work that is done."""


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep did.

    Args:
        comparison: Models and their headlines.
        computed: Items that were computed now.
        kept: Items whose results were there.
        failed: Items that failed, with the reason.
    """

    comparison: Comparison
    computed: int
    kept: int
    failed: tuple[tuple[str, str], ...]


def sweep(plan: Plan, store: Store, engine: Engine, here: Machine, show: Show) -> Swept:
    """Run a plan. A failed item does not stop the others, and a rerun computes only what is missing.

    Args:
        plan: The plan.
        store: The folder of the results. Tables are written there too.
        engine: What computes.
        here: The rates of one thread, for the time left.
        show: Shows progress.

    Returns:
        The comparison of the models, and which items failed.

    Raises:
        BadRequest: A model does not exist, the folder cannot be written, or the engine cannot be reached.
    """
    store.prepare()
    checkpoints = list(opened(plan, lambda done, of: show("opening checkpoints", done + 1, of, 0.0)))
    work = [pair for checkpoint in checkpoints for pair in checkpoint.items]
    there = {item.key for item, _ in work if store.read(item.key) is not None}
    missing = {item.key: cost.seconds(here) for item, cost in work if item.key not in there}
    reasons: dict[str, str] = {}
    left, whole = Counter(missing), sum(missing.values())
    for outcome in engine.run(_units(checkpoints, missing, here), store):
        reasons[outcome.key] = outcome.reason
        del left[outcome.key]
        show("", len(missing) - len(left), len(missing), 1 - left.total() / whole)
    failed = [(f"every analysis of {each.name}", each.reason) for each in checkpoints if each.reason]
    failed += [(str(item), reasons[item.key]) for item, _ in work if reasons.get(item.key)]
    comparison = Comparison(tuple(row_of(each, store) for each in checkpoints))
    write_whole(store.folder / INDEX, index_text([item for item, _ in work], reasons, store).encode())
    write_whole(store.folder / TABLE, csv_text(comparison).encode())
    computed = sum(not reason for reason in reasons.values())
    return Swept(comparison, computed, len(there), tuple(failed))


def _units(checkpoints: Sequence[Opened], missing: dict[str, float], here: Machine) -> list[Unit]:
    """The missing items by checkpoint; an item that two equal checkpoints share is computed once."""
    seen: set[str] = set()
    listed: list[Unit] = []
    for checkpoint in checkpoints:
        fresh: list[tuple[Item, Cost]] = []
        for item, cost in checkpoint.items:
            if item.key in missing and item.key not in seen:
                seen.add(item.key)
                fresh.append((item, cost))
        listed += units(fresh, here)
    return listed
