"""The inputs of the notable heads: subspace scores of every earlier writer, by layer, and cuts that test the wires."""

from typing import TYPE_CHECKING

import numpy as np

from loadstore.figures.left_out import LeftOut
from loadstore.figures.subject.close_look import FALL, best_wires, cuts, needed, notable, repeats
from loadstore.figures.subject.story import Story
from loadstore.figures.wires.dot_plots import measure_dots
from loadstore.figures.wires.pieces import LEVEL, grouped
from loadstore.figures.words import number, plural
from loadstore.scores.measures import DETAILS, columns
from loadstore.sites import SIDES, Head, Side
from loadstore.views.dots import dot, dots
from loadstore.views.layers import layers_view
from loadstore.views.model import Figure, View, figure, reading, table
from loadstore.views.sums import switch

if TYPE_CHECKING:
    import xarray as xr

MOST = 12  # maximum rows of the table of cuts


def score_figure(story: Story) -> Figure:
    """Alignment of every wire into the notable heads: three panels, with rows and columns grouped by layer."""
    scores = story.scores
    writers = [str(writer) for writer in scores["writer"].values]
    heads = [str(head) for head in notable(story)]

    def table_of(name: str, side: Side) -> np.ndarray:
        return scores[name].sel(reader=[f"{head}.{side}" for head in heads]).values

    view = layers_view(
        "Alignment with what the notable heads read",
        rows=grouped(writers),
        columns=[(head, [head]) for head in heads],
        panels=[(side, table_of("alignment", side)) for side in SIDES],
        details={name: [table_of(name, side) for side in SIDES] for name in DETAILS if name != "alignment"},
        limits=(-1.0, 1.0),
        strongest="highest",
        reference=0.0,
    )
    existing = int(np.isfinite(scores.alignment.values).sum())
    above = int(((scores.p.values < LEVEL / max(1, existing)) & (scores.alignment.values > 0)).sum())
    return figure(
        "Alignment",
        "The subspace part: what the notable heads can read",
        f"Of {plural(existing, 'wire')} into {plural(len(heads), 'head')}, {above:,} "
        f"{'stands' if above == 1 else 'stand'} above chance. {_best(story)}",
        [view],
        reading(
            "Alignment: 0 is what a random rotation between writer and reader would give, 1 the most that their "
            f"spectra allow. Above chance: p < {LEVEL:g} after Bonferroni over all of these wires. Alignment shows "
            f"what can be read, not whether it is read." + story.averaged
        ),
    )


def _best(story: Story) -> str:
    """The best aligned writers of the report's head, side by side."""
    head = story.main
    claims: list[str] = []
    for side in SIDES:
        wires = best_wires(story, head, side)
        if wires.sizes["writer"]:
            best = wires.isel(writer=0)
            numbers = f"alignment {number(float(best.alignment))}, z {number(float(best.z), 0)}"
            claims.append(f"{side}: {best['writer'].item()} ({numbers})")
    return f"Best aligned with {head} are {'; '.join(claims)}." if claims else f"Nothing stores before {head} loads."


def cut_figures(story: Story) -> list[Figure | LeftOut]:
    """Every K and every Q wire of the induction head: alignment, traffic and effect side by side."""
    return [] if story.candidate is None else [_cuts(story, story.candidate, "K"), _cuts(story, story.candidate, "Q")]


def _cuts(story: Story, head: Head, side: Side) -> Figure | LeftOut:
    effects, title = cuts(story)[side], f"Does it matter? Every {side} wire of {head}, cut"
    if not np.isfinite(float(effects.intact)):
        return LeftOut(f"Cut {side}", title, f"{head} has no induction score on random repeats in this context.")
    aligned = story.scores.alignment.sel(reader=f"{head}.{side}")
    ranked = effects.sortby("score").isel(writer=slice(MOST))
    rows = [
        [
            str(name),
            float(aligned.sel(writer=name)),
            float(row.traffic),
            float(row.score),
            float(row.change),
        ]
        for name, row in ((name, ranked.sel(writer=name)) for name in ranked["writer"].values)
    ]
    intact, worst = float(effects.intact), ranked.isel(writer=0)
    name = str(worst["writer"].values)
    rank = int((aligned > aligned.sel(writer=name)).sum()) + 1
    loud = int((effects.traffic > worst.traffic).sum()) + 1
    count = effects.sizes["writer"]
    needing = needed(story, side)
    reach = f"Of {plural(count, 'writer')} that reach the {side} of {head}, "
    if needing:
        claim = (
            f"{reach}cutting {name} lowers its induction score on random repeats the most, from {number(intact)} to "
            f"{number(float(worst.score))}{_next(rows, needing)}. By traffic that wire is number {loud} of {count}, by "
            f"alignment number {rank}."
        )
    else:
        claim = (
            f"{reach}none matters alone: no cut of a single wire lowers its induction score of {number(intact)} on "
            f"random repeats by more than {number(FALL)}."
        )
    return figure(
        f"Cut {side}",
        title,
        claim,
        [
            switch(
                "Cuts",
                "Shown",
                [
                    ("dot plots", _plots(ranked, intact, rows, side, needing)),
                    (
                        "all numbers",
                        [table(f"The {plural(len(rows), 'wire')} whose cut leaves the least", COLUMNS, rows)],
                    ),
                ],
            )
        ],
        reading(
            "Cut: the writer's store minus its mean is removed from this input of this head alone, norm scales frozen, "
            f"on {repeats(story).tokens.shape[0]} random repeats. Traffic: standard deviation within a query's row of "
            "the scores that the writer accounts for, in nats. Change: total variation of the head's own pattern."
        ),
    )


def _plots(
    ranked: "xr.Dataset", intact: float, rows: list[list[str | float]], side: Side, needing: list[str]
) -> list[View]:
    """The score after each cut, compared with the intact score, and the traffic and alignment of its wire."""
    names = [str(row[0]) for row in rows]
    labels = [f"{name} → {side}" for name in names]
    strong = [index for index, name in enumerate(names) if name in needing]
    left = [
        dot(label, score, strong=index in strong)
        for index, (label, score) in enumerate(zip(labels, ranked.score.values.tolist(), strict=True))
    ]
    score = dots("What its cut leaves", "induction score with it cut", left, rules=[(intact, "nothing cut"), (0.0, "")])
    traffic, alignment = ([float(row[at]) for row in rows] for at in (2, 1))
    return [
        score,
        measure_dots("traffic", labels, traffic, strong=strong),
        measure_dots("alignment", labels, alignment, strong=strong),
    ]


def _next(rows: list[list[str | float]], needed: list[str]) -> str:
    return "" if len(needed) < 2 else f", then {rows[1][0]} ({number(float(rows[1][3]))})"


COLUMNS = (
    ("writer", "writer", None),
    *columns("alignment", "traffic"),
    ("score", "induction score with it cut", 2),
    *columns("change"),
)
