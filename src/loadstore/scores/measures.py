"""The measures of a wire, in one table: whatever computes, prints, writes or draws scores takes its columns from here.

To add a measure, add an entry here; nothing else changes. See "A measure of a wire" in CONTRIBUTING.md.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor

from loadstore.linear.null import Null

ROUNDING = 1e-15  # squared scores below this are rounding of the double-precision cores
Product: TypeAlias = Float[Tensor, "writer reader"]


@dataclass(frozen=True, slots=True)
class Measure:
    """One number of every wire.

    Args:
        name: The variable of the dataset, the field of the JSON document and the column of a table.
        of: The measure of X = ‖A B‖² of many wires and of their null; None where it compares a wire with all others.
        decimals: Decimals in a table of a page; None for a p-value, which keeps its magnitude.
        detail: Whether pages show it beside the measure that they draw.
    """

    name: str
    of: Callable[[Product, Null], Product] | None
    decimals: int | None = 4
    detail: bool = True


MEASURES = (
    Measure("score", lambda x, null: (x / null.norms).sqrt()),
    Measure("chance", lambda _, null: null.chance()),
    Measure("z", lambda x, null: null.z(x), decimals=1),
    Measure("p", lambda x, null: null.p(x), decimals=None),
    Measure("q", None, decimals=None),
    Measure("ceiling", lambda _, null: null.ceiling()),
    Measure("alignment", lambda x, null: null.alignment(x)),
    Measure("relative", None, detail=False),
    Measure("p_heads", None, decimals=None, detail=False),
)
OF_A_WIRE = tuple(measure.name for measure in MEASURES if measure.of is not None)
DETAILS = tuple(measure.name for measure in MEASURES if measure.detail)
DECIMALS = {measure.name: measure.decimals for measure in MEASURES}


def measured(x: Product, null: Null) -> dict[str, Product]:
    """Every measure that a wire has by itself.

    Args:
        x: X = ‖A B‖² of every pair [writer, reader]; a value that is only rounding counts as 0.
        null: The null of the same pairs.

    Returns:
        The measures of ``OF_A_WIRE`` by name, each [writer, reader].
    """
    x = torch.where(x < ROUNDING * null.norms, 0.0, x)
    return {measure.name: measure.of(x, null) for measure in MEASURES if measure.of is not None}


def present(names: Collection[str]) -> list[str]:
    """The measures that a result has, in the order of the table."""
    return [measure.name for measure in MEASURES if measure.name in names]
