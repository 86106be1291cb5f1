"""A closer look at a large model: its notable heads, and the wires into its induction head, cut one at a time.

Each result is computed once per story and cached.
"""

from typing import TYPE_CHECKING

from loadstore.causal.own_cuts import own_cuts
from loadstore.execution.run import run
from loadstore.execution.trace import Trace
from loadstore.figures.subject.story import Story
from loadstore.figures.subject.supply import Supply, supply
from loadstore.heads.patterns import ROLES
from loadstore.heads.roles import IS_ROLE, random_repeats
from loadstore.sites import Head, Side, parse_writer

if TYPE_CHECKING:
    import xarray as xr

EACH = 3  # notable heads per role
SOME = 0.3  # the share of attention above which a head is notable for a role
NAMED = tuple(role for role in ROLES if role != "first")  # most heads of a large model rest on the first token
SEQUENCES = 4  # random repeats for cutting wires
FALL = 0.05  # of the induction score: a cut that lowers it by less counts as no change


def notable(story: Story) -> tuple[Head, ...]:
    """The question's main head, the strongest heads of each role, and those that the induction head's K needs most."""
    return story.results.once("notable", lambda: _notable(story))


def _notable(story: Story) -> tuple[Head, ...]:
    every = range(story.weights.architecture.n_layers)
    heads = {
        head
        for role in NAMED
        for index, head in enumerate(story.strongest(role, every)[:EACH])
        if story.role(head, role) > (SOME if index else 0)
    }
    heads.add(story.main)
    if story.candidate is not None:
        heads |= {story.candidate, story.previous, *suppliers(story)[:2]}
    return tuple(sorted(heads, key=lambda head: (head.layer, head.index)))


def resting(story: Story) -> int:
    """The number of heads with more than half of their attention on the first token."""
    return int((story.roles["first"] > IS_ROLE).sum())


def repeats(story: Story) -> Trace:
    """A fully recorded run on random repeats, for cutting wires."""
    return story.results.once(
        "repeats", lambda: run(story.weights, random_repeats(story.weights, SEQUENCES), record=True)
    )


def cuts(story: Story) -> "dict[Side, xr.Dataset]":
    """Every wire into the Q and the K of the induction head, cut one at a time.

    Empty if there is no such head, or if slow results are left out.
    """
    head = story.candidate
    sides: tuple[Side, ...] = ("Q", "K")
    if head is None or story.quick:
        return {}
    return story.results.once("cuts", lambda: {side: own_cuts(repeats(story), f"{head}.{side}") for side in sides})


def strongest_supply(story: Story) -> Supply | None:
    """The strongest wire into the K of the induction head with its controls; None without such a head."""
    head = story.candidate
    if head is None or not needed(story, "K"):
        return None
    return story.results.once("supply", lambda: supply(repeats(story), head, cuts(story)["K"]))


def needed(story: Story, side: Side) -> list[str]:
    """Writers whose cut from this side of the induction head lowers its score by more than FALL, largest first."""
    if side not in cuts(story):
        return []
    table = cuts(story)[side].sortby("score")
    return [str(name) for name in table["writer"].values[(table.intact - table.score).values > FALL]]


def suppliers(story: Story) -> list[Head]:
    """Heads whose stores the K of the induction head needs, most needed first; empty if no single one is needed."""
    writers = [parse_writer(name) for name in needed(story, "K")]
    return [writer.head for writer in writers if writer.kind == "head"]


def best_wires(story: Story, head: Head, side: Side) -> "xr.Dataset":
    """The existing wires into one side of a notable head, best aligned first."""
    column = story.scores.sel(reader=f"{head}.{side}").dropna("writer", subset=["alignment"])
    return column.sortby("alignment", ascending=False)
