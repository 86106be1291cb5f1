"""What the wires into one head could carry, carry and change, side by side."""

from typing import Any

from loadstore.figures.subject.story import Story
from loadstore.figures.words import number
from loadstore.sites import SIDES, Head
from loadstore.views.dots import dot, dots
from loadstore.views.model import Figure, View, figure, reading, table
from loadstore.views.sums import switch

EACH = 4  # wires of each side that are cut
COLUMNS = (
    ("writer", "writer", None),
    ("reader", "reader", None),
    ("alignment", "alignment: can it", 2),
    ("traffic", "traffic: does it", 3),
    ("standard_error", "±", 3),
    ("share", "share", 2),
    ("change", "change: does it matter", 3),
    ("target", "next token", 4),
)


def _plots(rows: list[list[Any]]) -> list[View]:
    """What each wire could carry, carries and changes, in three plots of the same rows."""
    names = [f"{row[0]} → {str(row[1]).rpartition('.')[2]}" for row in rows]
    return [
        dots(
            "Alignment: what it could carry",
            "alignment (0 chance, 1 ceiling)",
            [dot(name, row[2]) for name, row in zip(names, rows, strict=True)],
            rules=[(0.0, "chance")],
        ),
        dots(
            "Traffic: what it carries",
            "nats into Q and K, units of the stream into V",
            [
                dot(name, row[3], (row[3] - 2 * row[4], row[3] + 2 * row[4]))
                for name, row in zip(names, rows, strict=True)
            ],
            rules=[(0.0, "")],
        ),
        dots(
            "Change: what cutting it does",
            "change of the pattern (Q, K) or the store (V)",
            [dot(name, row[6]) for name, row in zip(names, rows, strict=True)],
            rules=[(0.0, "")],
        ),
    ]


def evidence_figure(story: Story, head: Head) -> Figure:
    """The wires of most traffic into each side of a head, cut one at a time on the corpus."""
    found = story.evidence(head, EACH)
    rows: list[list[Any]] = [
        [str(found[name].values[i]) if digits is None else float(found[name].values[i]) for name, _, digits in COLUMNS]
        for i in range(found.sizes["wire"])
    ]
    told: list[str] = []
    for side in SIDES:
        some = [row for row in rows if str(row[1]).endswith(f".{side}")]
        if some:
            most, hurt = max(some, key=lambda row: row[3]), max(some, key=lambda row: row[6])
            same = "and its cut changes most" if hurt[0] == most[0] else f"but cutting {hurt[0]} changes more"
            told.append(f"into its {side} {most[0]} carries most ({number(most[3])}), {same} ({number(hurt[6])})")
    return figure(
        "Evidence",
        f"Three kinds of evidence for the wires of {head}",
        f"{head} adds most to {story.predicted} after {story.after}. Of the wires into it that carry most on "
        f"{'the shipped corpus' if found.attrs['corpus'] == 'default' else 'the prompt'}, {EACH} a side: "
        f"{'; '.join(told)}.",
        [
            switch(
                f"The wires into {head} that carry most",
                "Shown",
                [("dot plots", _plots(rows)), ("all numbers", [table("All numbers of these wires", COLUMNS, rows)])],
            )
        ],
        reading(
            "Cut: the writer's store less its mean over the corpus is removed from this one input. Change: of the "
            "head's pattern on Q and K (total variation), of what it stores on V (relative). Next token: change of the "
            "log-probability of what really follows, nats. Share: of all that this side loads; signed, 1 in all."
        ),
    )
