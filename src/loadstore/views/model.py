"""The constructors of common views and of figures, under one name."""

from loadstore.views.base import Cell, View, cell, cells, round_up
from loadstore.views.charts import bars, lines, rule, series, table
from loadstore.views.figures import Figure, figure, reading, remark
from loadstore.views.heatmaps import heatmap, panel

__all__ = [
    "Cell",
    "Figure",
    "View",
    "bars",
    "cell",
    "cells",
    "figure",
    "heatmap",
    "lines",
    "panel",
    "reading",
    "remark",
    "round_up",
    "rule",
    "series",
    "table",
]
