"""The result of an item: columns of equal length, and the few numbers that compare models."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

Column: TypeAlias = np.ndarray
Headline: TypeAlias = float | str


@dataclass(frozen=True, eq=False)
class Result:
    """A result.

    Args:
        columns: Numbers or texts by column, one dimension, all of equal length.
        headline: The numbers and names that the table of a sweep shows, by column.
        facts: What was measured and how.
    """

    columns: Mapping[str, Column]
    headline: Mapping[str, Headline]
    facts: Mapping[str, str | int | float]
