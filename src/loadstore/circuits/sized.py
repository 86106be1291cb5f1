"""A circuit of a given size: the strongest wires of a ranking, by share, by count or by faithfulness."""

import re
from typing import TYPE_CHECKING

from loadstore.circuits.circuit import Circuit, first
from loadstore.circuits.pairs import Pairs
from loadstore.circuits.ranking import count_of, ranking
from loadstore.circuits.smallest import smallest
from loadstore.errors import BadRequest
from loadstore.quote import quote

if TYPE_CHECKING:
    import xarray as xr


def circuit(ranked: "xr.Dataset", size: float | int | str, *, by: str = "paths", on: Pairs | None = None) -> Circuit:
    """Take the strongest wires of a ranking.

    Args:
        ranked: The Dataset from ``attribute``.
        size: A share of the live wires (a float up to 1), a count (a whole number), or ``"F>=.85"``: the smallest
            circuit of that faithfulness on the pairs ``on``.
        on: Pairs for choosing the size, such as ``task.choose``.
        by: ``"paths"`` ranks by one-sided means and counts only wires on a path; ``"attribution"`` by mean absolute
            values, ``"signed"`` by the absolute value of the mean.

    Returns:
        The circuit.

    Raises:
        BadRequest: The size is invalid, or no circuit reaches it.

    Example:
        >>> import loadstore as ls
        >>> model = ls.load("builtin")
        >>> task = ls.task(model, "induction", pairs=16)
        >>> ranked = ls.attribute(task, points=2)
        >>> ls.circuit(ranked, size=20).wires[0]
        (Writer(kind='head', layer=1, index=10), Reader(layer=-1, index=-1, side=''))
        >>> len(ls.circuit(ranked, size=.01))
        5
    """
    order = ranking(ranked, by)
    if isinstance(size, str):
        threshold = re.fullmatch(r"\s*F\s*>=\s*(\d*\.?\d+)\s*", size)
        if threshold is None:
            raise BadRequest(f"size={quote(repr(size), 40)}: expected a share such as .01, a count, or 'F>=.85'")
        if on is None:
            raise BadRequest(f"size={size!r} needs pairs to measure F with; give on=task.choose")
        return smallest(ranked, on, float(threshold[1]), by)
    return first(ranked, order, count_of(size, len(order)), by)
