"""Numbers with bounds, as annotations of public functions: ``top: Count = 8``. ``arguments`` enforces them."""

from dataclasses import dataclass
from typing import Annotated


@dataclass(frozen=True)
class Within:
    """Bounds of a number, both included."""

    least: int | float
    most: int | float

    def __str__(self) -> str:
        return f"from {self.least:,} to {self.most:,}"


Count = Annotated[int, Within(1, 1_000_000)]
"""How many of something: at least one."""
Amount = Annotated[int, Within(0, 1_000_000)]
"""How many of something; 0 for none."""
Sequences = Annotated[int, Within(1, 10_000)]
"""How many sequences of tokens are made and run."""
Seed = Annotated[int, Within(0, 2**63 - 1)]
"""The seed of a random generator."""
Share = Annotated[float, Within(0.0, 1.0)]
"""A part of a whole."""
