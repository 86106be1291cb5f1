"""The induction circuit of a model: the previous-token head whose cut costs most, and the heads whose K reads it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from loadstore.sites import Head, parse_head

if TYPE_CHECKING:
    import xarray as xr


@dataclass(frozen=True, eq=False)
class Circuit:
    """A previous-token head and the induction heads whose K reads it. Each cut is beyond its controls.

    Args:
        previous: The previous-token head.
        heads: The induction heads, best aligned first.
        table: The result of ``induction_circuits``.
    """

    previous: Head
    heads: tuple[Head, ...]
    table: "xr.Dataset"

    @property
    def reads(self) -> list[str]:
        """The K sides that read the previous-token head."""
        return [f"{head}.K" for head in self.heads]


def circuit_of(table: "xr.Dataset") -> Circuit | None:
    """Choose one circuit among the pairs of heads in a result of ``induction_circuits``.

    Args:
        table: The result of ``induction_circuits``.

    Returns:
        Among pairs beyond their controls, the previous-token head of the one whose cut costs most, with its induction
        heads in these pairs; None if no pair is beyond its controls.
    """
    beyond = [index for index in range(table.sizes["pair"]) if float(table.beyond[index]) > 0]
    if not beyond:
        return None
    best = max(beyond, key=lambda index: float(table.change[index]))
    previous = str(table.previous_head.values[best])
    mine = [index for index in beyond if str(table.previous_head.values[index]) == previous]
    heads = tuple(parse_head(str(table.induction_head.values[index])) for index in mine)
    return Circuit(parse_head(previous), heads, table)
