"""From a plan to its items: opens every checkpoint once, for its content and what its analyses cost."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from loadstore.checkpoints.library import load
from loadstore.cost.machine import Machine
from loadstore.cost.work import Cost
from loadstore.errors import BadCheckpoint
from loadstore.model.weights import Weights
from loadstore.progress import Progress
from loadstore.sweep.cost import cost_of
from loadstore.sweep.item import Item, content_of, item_of
from loadstore.sweep.plan import Plan
from loadstore.sweep.tiles import tiles

TOGETHER = 20.0  # seconds: cheaper items of one checkpoint are one unit, so that it is opened once


@dataclass(frozen=True, slots=True)
class Opened:
    """A checkpoint of a plan.

    Args:
        name: As the plan names it.
        size: Bytes of its tensors.
        items: Its items in the order of the plan, each with its cost.
        reason: Why it cannot be opened; empty if it can.
    """

    name: str
    size: int
    items: tuple[tuple[Item, Cost], ...]
    reason: str = ""


def opened(plan: Plan, progress: Progress | None = None, *, digest: bool = True) -> Iterator[Opened]:
    """Open the checkpoints of a plan, one after the other.

    A damaged checkpoint is returned with the reason; it does not stop the others.

    Args:
        plan: The plan.
        progress: Called with the checkpoints done and all of them.
        digest: Read the content for the keys; otherwise keys are of the name, for a dry run.

    Raises:
        BadRequest: A model does not exist.
    """
    for index, name in enumerate(plan.models):
        if progress is not None:
            progress(index, len(plan.models))
        try:
            weights = load(name)
            content = content_of(weights) if digest else name
        except BadCheckpoint as error:
            yield Opened(name, 0, (), str(error))
            continue
        yield Opened(name, size_of(weights), tuple(_items(plan, weights, name, content)))


def size_of(weights: Weights) -> int:
    """Bytes of a model's tensors, as stored; a tied matrix counts once."""
    return sum({tensor.data_ptr(): tensor.nbytes for _, tensor in weights.named()}.values())


def _items(plan: Plan, weights: Weights, name: str, content: str) -> Iterator[tuple[Item, Cost]]:
    where = str(Path(name).resolve()) if Path(name).exists() else name  # a worker may have another current folder
    for analysis, options in plan.analyses.items():
        parts = tiles(weights, analysis)
        for layers in parts:
            cost = cost_of(weights, analysis, options, len(parts))
            yield item_of(where, name, content, analysis, options, layers), cost


def units(items: Sequence[tuple[Item, Cost]], here: Machine) -> list[list[Item]]:
    """Divide the items of one checkpoint into units: each long item alone, all short ones together."""
    short = [item for item, cost in items if cost.seconds(here) < TOGETHER]
    return [*([short] if short else []), *([item] for item, cost in items if cost.seconds(here) >= TOGETHER)]
