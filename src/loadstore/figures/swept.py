"""Models side by side: the headline numbers of a sweep as a table, and each number as dots."""

import math

from loadstore.figures.words import number, plural
from loadstore.sweep.table import Comparison
from loadstore.views.charts import Table, table
from loadstore.views.dots import dot, dots
from loadstore.views.figures import Figure, figure, reading

DIGITS = 3


def swept_figures(comparison: Comparison) -> list[Figure]:
    """The table of all models, and a dot plot for each number that differs between them."""
    plots = [
        dots(column, column, [dot(row.model, value) for row, value in zip(comparison.rows, values, strict=True)])
        for column in comparison.columns
        if _differs(values := comparison.numbers(column))
    ]
    shown = [figure("1", "Models and their results", _claim(comparison), [_table(comparison)], reading(READING))]
    if plots:
        compared = f"{plural(len(plots), 'number differs', 'numbers differ')} between models."
        shown.append(figure("2", "Each number by model", compared, plots))
    return shown


READING = (
    "The best aligned wire leads from a head to the Q or K of a later one, and so does the wire with the most traffic "
    "(in nats). A head has a role if it puts more than half of its attention there. Tasks: the share of pairs with "
    "m(clean) > 0 > m(counterfactual). A dash: the analysis failed, or the model does not define the number."
)


def _differs(values: list[float]) -> bool:
    return len({value for value in values if math.isfinite(value)}) > 1


def _table(comparison: Comparison) -> Table:
    texts = {column for column in comparison.columns if not comparison.numbers(column)}
    columns = [(name, name, None if name in texts else DIGITS) for name in comparison.columns]
    rows = [
        [row.model, *(row.headline.get(name, "" if name in texts else math.nan) for name in comparison.columns)]
        for row in comparison.rows
    ]
    return table("Models", [("model", "model", None), *columns], rows)


def _claim(comparison: Comparison) -> str:
    """How many models, and the range of the alignment where scores were measured."""
    scored = [row for row in comparison.rows if math.isfinite(float(row.headline.get("alignment", math.nan)))]
    models = plural(len(comparison.rows), "model")
    if not scored:
        return f"{models} {'is' if len(comparison.rows) == 1 else 'are'} compared."
    best = max(scored, key=lambda row: float(row.headline["alignment"]))
    return (
        f"Of {models}, {best.model} has the best aligned wire between heads, {best.headline['most aligned']}, with an "
        f"alignment of {number(float(best.headline['alignment']))}."
    )
