"""A page as one still picture: every view that can be drawn without a script, below the title and the claims."""

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from loadstore.figures.picture.svg import svg
from loadstore.figures.still.bars import bars, waterfall
from loadstore.figures.still.cells import heatmap, patterns
from loadstore.figures.still.dots import dots
from loadstore.figures.still.lines import lines
from loadstore.figures.still.sheet import Block, sheet
from loadstore.views.charts import Bars, Lines
from loadstore.views.dots import Dots
from loadstore.views.heatmaps import Heatmap
from loadstore.views.patterns import Patterns
from loadstore.views.picture import Picture
from loadstore.views.sums import Waterfall

_Kind = TypeVar("_Kind")
VIEWS = 6  # maximum views drawn; the page has all
TALLEST = 1800.0  # pixels; the page shows the remainder


def still(document: dict[str, Any]) -> str | None:
    """Draw a page as SVG.

    Args:
        document: A ``loadstore/page@1``.

    Returns:
        The picture, or None if no view of the page can be drawn.
    """
    parts: list[tuple[list[str], list[Block]]] = []
    count, height = 0, 0.0
    figures = [figure for section in document["sections"] for figure in section["figures"]]
    every = _views([view for figure in figures for view in figure["views"]])
    for figure in figures:
        blocks: list[Block] = []
        for view in _views(figure["views"]):
            block = _drawn(view) if count < VIEWS and height < TALLEST else None
            if block is not None:
                blocks.append(block)
                count, height = count + 1, height + block.height
        if blocks:
            parts.append(([figure["claim"]] if figure["claim"] else [], blocks))
    if count:
        return sheet(str(document["title"]), parts)
    return next(
        (svg(msgspec.convert(view, Picture)) for view in every if view["schema"] == "loadstore/picture@1"), None
    )


def _views(views: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Views, with each switch replaced by the views of its first choice."""
    flat: list[dict[str, Any]] = []
    for view in views:
        flat += _views(view["choices"][0]["views"]) if view["schema"] == "loadstore/switch@1" else [view]
    return flat


def _drawn(view: dict[str, Any]) -> Block | None:
    """A view as a still picture; None for kinds that only the page draws."""
    draw = DRAWN.get(view["schema"])
    return None if draw is None else draw(view)


def _of(kind: type[_Kind], draw: Callable[[_Kind], Block]) -> Callable[[dict[str, Any]], Block]:
    return lambda view: draw(msgspec.convert(view, kind))


DRAWN = {
    "loadstore/bars@1": _of(Bars, bars),
    "loadstore/dots@1": _of(Dots, dots),
    "loadstore/heatmap@1": _of(Heatmap, heatmap),
    "loadstore/lines@1": _of(Lines, lines),
    "loadstore/patterns@1": _of(Patterns, patterns),
    "loadstore/waterfall@1": _of(Waterfall, waterfall),
}
