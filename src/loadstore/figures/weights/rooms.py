"""The part of the stream that the notable heads write to."""

from typing import TYPE_CHECKING

import numpy as np

from loadstore.evidence.dossier import structureless_values
from loadstore.figures.left_out import LeftOut, defined
from loadstore.figures.subject.close_look import notable
from loadstore.figures.subject.story import Story
from loadstore.figures.words import number, percent
from loadstore.model.ports import ov
from loadstore.scores.spectra import spectrum
from loadstore.sites import parse_head
from loadstore.views.model import Figure, figure, lines, reading, rule, series

if TYPE_CHECKING:
    import xarray as xr

SHOWN = 6  # maximum lines that can be distinguished


def room_figures(story: Story) -> list[Figure | LeftOut]:
    """Cumulative variance of the notable heads' stores for white input, compared with random rows.

    A head that stores nothing has no spectrum, and is left out.
    """
    title, names = "How much room the notable heads take", [str(head) for head in notable(story)]
    results, left = defined("Room", title, names, lambda name: spectrum(story.weights, name))
    return [*([_drawn(story, title, results)] if results else []), *left]


def _drawn(story: Story, title: str, results: "dict[str, xr.Dataset]") -> Figure:
    counts = {name: float(result.attrs["participation_ratio"]) for name, result in results.items()}
    ranked = sorted(counts, key=lambda name: counts[name])
    chosen = sorted({*ranked[: SHOWN // 2], *ranked[-(SHOWN // 2) :]}, key=ranked.index)
    top = story.weights.architecture.d_head
    ranks = np.arange(1, top + 1)
    drawn = [series(name, ranks, results[name]["cumulative"].values[:top]) for name in chosen]
    shape = story.weights.architecture
    null = np.square(structureless_values(ov(story.weights, parse_head(next(iter(results)))), 0))
    drawn.append(series("random", ranks, np.cumsum(null) / null.sum(), dashed=True))
    return figure(
        "Room",
        title,
        f"Of {shape.d_head} directions that a head could use, {_counted(ranked, counts)}.",
        [
            lines(
                "Cumulative variance of W_OV",
                ("rank", "directions", "linear"),
                ("cumulative", "share", "linear"),
                drawn,
                [rule("y", share, percent(share)) for share in (0.5, 0.8, 0.95)],
            )
        ],
        reading(
            ("Those with the fewest directions and the most. " if len(ranked) > SHOWN else "")
            + "Dashed: a product of two random matrices as large."
        ),
    )


def _counted(ranked: list[str], counts: dict[str, float]) -> str:
    """The smallest and the largest count, for heads in the order of their counts."""
    fewest = f"({number(counts[ranked[0]], 1)} by the participation ratio)"
    if len(ranked) == 1:
        return f"{ranked[0]} uses {number(counts[ranked[0]], 1)} by the participation ratio"
    return f"{ranked[0]} stores in the fewest {fewest} and {ranked[-1]} in the most ({number(counts[ranked[-1]], 1)})"
