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

    def same(self, other: "Result") -> bool:
        """Whether two results are equal in every bit, NaN included."""
        names = list(self.columns)
        return (
            names == list(other.columns)
            and all(self.columns[name].dtype == other.columns[name].dtype for name in names)
            and all(self.columns[name].tobytes() == other.columns[name].tobytes() for name in names)
            and repr((dict(self.headline), dict(self.facts))) == repr((dict(other.headline), dict(other.facts)))
        )
