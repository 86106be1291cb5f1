"""One measure of several wires as a dot plot, with title and axis from the table of measures."""

from collections.abc import Collection, Sequence

from loadstore.scores.measures import BY_NAME
from loadstore.views.dots import dot, dots
from loadstore.views.model import View

BASES = {"alignment": "chance"}  # meaning of zero, unless the axis states it


def measure_dots(
    measure: str,
    labels: Sequence[str],
    values: Sequence[float],
    errors: Sequence[float] | None = None,
    strong: Collection[int] = (),
) -> View:
    """Draw a measure, one wire per row.

    Args:
        measure: A name of ``scores.measures``.
        labels: The name of each wire.
        values: The measure of each wire.
        errors: Standard errors; intervals of two of them are drawn.
        strong: The emphasised rows.
    """
    _, heading, _ = BY_NAME[measure].column
    spread = (
        [None] * len(values)
        if errors is None
        else [(value - 2 * error, value + 2 * error) for value, error in zip(values, errors, strict=True)]
    )
    rows = [
        dot(label, value, interval, strong=index in strong)
        for index, (label, value, interval) in enumerate(zip(labels, values, spread, strict=True))
    ]
    title = heading[0].upper() + heading[1:]
    return dots(title, BY_NAME[measure].axis, rows, rules=[(0.0, BASES.get(measure, ""))])
