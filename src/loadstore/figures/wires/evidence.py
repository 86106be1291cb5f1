"""Alignment, traffic and effect of the wires into one head, side by side."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from loadstore.figures.subject.story import Story
from loadstore.figures.wires.dot_plots import measure_dots
from loadstore.figures.words import number, size
from loadstore.scores.measures import PRINTED
from loadstore.sites import SIDES, Head, Reader, parse_reader
from loadstore.views.model import Figure, View, figure, reading, table
from loadstore.views.sums import switch

if TYPE_CHECKING:
    import xarray as xr

EACH = 4  # wires to cut for each side
COLUMNS = (("writer", "writer", None), ("reader", "reader", None), *(measure.column for measure in PRINTED))


@dataclass(frozen=True)
class _Row:
    """One wire and its measures by name."""

    writer: str
    reader: Reader
    measures: Mapping[str, float]

    @property
    def cells(self) -> list[str | float]:
        numbers = [size(self.measures[m.name]) if m.decimals is None else self.measures[m.name] for m in PRINTED]
        return [self.writer, str(self.reader), *numbers]


def _rows(table: "xr.Dataset") -> list[_Row]:
    return [
        _Row(
            str(table["writer"].values[i]),
            parse_reader(str(table["reader"].values[i])),
            {measure.name: float(table[measure.name].values[i]) for measure in PRINTED},
        )
        for i in range(table.sizes["wire"])
    ]


def _plots(rows: Sequence[_Row]) -> list[View]:
    """Alignment, traffic and effect of each wire, in three plots with the same rows."""
    names = [f"{row.writer} → {row.reader.side}" for row in rows]

    def column(measure: str) -> list[float]:
        return [row.measures[measure] for row in rows]

    return [
        measure_dots("alignment", names, column("alignment")),
        measure_dots("traffic", names, column("traffic"), column("standard_error")),
        measure_dots("change", names, column("change")),
    ]


def evidence_figure(story: Story, head: Head) -> Figure:
    """The wires with the most traffic into each side of a head, cut one at a time on the corpus."""
    evidence = story.evidence(head, EACH)
    rows, claims = _rows(evidence), list[str]()
    for side in SIDES:
        of_side = [row for row in rows if row.reader.side == side]
        if of_side:
            most, hurt = (max(of_side, key=lambda row, by=by: row.measures[by]) for by in ("traffic", "change"))
            same = "and its cut changes most" if hurt is most else f"but cutting {hurt.writer} changes more"
            carried, changed = number(most.measures["traffic"]), number(hurt.measures["change"])
            claims.append(f"into its {side} {most.writer} carries most ({carried}), {same} ({changed})")
    return figure(
        "Evidence",
        f"Three kinds of evidence for the wires of {head}",
        f"{head} adds most to {story.predicted} after {story.after}. Of the wires into it that carry most on "
        f"{'the shipped corpus' if evidence.attrs['corpus'] == 'default' else 'the prompt'}, {EACH} per side: "
        f"{'; '.join(claims)}.",
        [
            switch(
                f"The wires into {head} that carry most",
                "Shown",
                [
                    ("dot plots", _plots(rows)),
                    ("all numbers", [table("All numbers of these wires", COLUMNS, [row.cells for row in rows])]),
                ],
            )
        ],
        reading(
            "Cut: the writer's store minus its mean over the corpus is removed from this one input. Change: of the "
            "head's pattern on Q and K (total variation), of what it stores on V (relative). Next token: change of "
            "the log-probability of what really follows, nats. Share: of all that this side loads; signed, 1 in all."
        ),
    )
