"""Checks tables that a caller has measured already and gives to another analysis."""

from collections.abc import Collection
from typing import TYPE_CHECKING

from loadstore.errors import BadRequest
from loadstore.model.weights import Weights

if TYPE_CHECKING:
    import xarray as xr


def check_table(
    table: "xr.Dataset | None", option: str, source: str, weights: Weights, needed: Collection[str], **rows: str
) -> None:
    """Raise BadRequest unless a table is that of a function and of this model; None is allowed.

    Args:
        table: The table.
        option: The name of the argument.
        source: The function that returns such tables.
        weights: The model.
        needed: The variables and coordinates that are read.
        rows: One entry that each of these coordinates must have.
    """
    if table is None:
        return
    variables = set(map(str, table.variables))
    fits = variables >= {*needed, *rows} and table.attrs.get("model") == weights.name
    if not fits or any(row not in table[name].values for name, row in rows.items()):
        raise BadRequest(f"{option}: expected a result of {source} on {weights.name}, with all heads and wires")
