"""Memory over depth in a report: map, lifetimes and reach, and an example policy for one of its regions."""

import numpy as np
from msgspec.structs import replace as with_fields

from loadstore.errors import BadRequest, Undefined
from loadstore.figures.left_out import LeftOut
from loadstore.figures.memory import lifetimes_figure, map_figure, reach_figure
from loadstore.figures.permitted import rights_view
from loadstore.figures.subject.story import Story
from loadstore.figures.words import listed, number, plural
from loadstore.memory.lifetime import lifetimes
from loadstore.memory.memory_map import memory_map
from loadstore.memory.reach import reach
from loadstore.permissions.direct import direct
from loadstore.permissions.policy import Policy
from loadstore.permissions.sources import subspace
from loadstore.views.model import Figure, figure, reading

THRESHOLD = 0.01  # fraction of a reader's load, and of the power in the subspace
TITLE = "An example policy, which nothing enforces"


def memory_figures(story: Story) -> list[Figure | LeftOut]:
    """The memory map, lifetimes and reach on the text used for traffic."""
    weights = story.weights
    try:
        kept = story.carried
        far = reach(weights, kept)
        regions = map_figure(memory_map(weights, kept))
        return [
            with_fields(regions, views=regions.views[:1]),  # loadstore maps has the table of regions
            lifetimes_figure(lifetimes(weights, kept)),
            reach_figure(far)
            if far.readers
            else LeftOut("Reach", "How far back readers load from", "No reader loads anything that varies."),
        ]
    except Undefined as reason:
        return [LeftOut("Memory map", "Where writers store", f"It was not measured: {reason}.")]


def permission_figure(story: Story) -> Figure | LeftOut:
    """Breaches of a policy that reserves the previous-token head's subspace for the K of the induction heads."""
    writer = str(story.previous)
    if not story.is_previous or not story.induction:
        return LeftOut("Permissions", TITLE, "It needs a previous-token head and an induction head.")
    allowed = [f"{head}.K" for head in story.induction if head.layer > story.previous.layer]
    if not allowed:
        return LeftOut("Permissions", TITLE, f"No induction head comes after {writer}.")
    try:
        space = subspace(story.weights, writer)
        policy = Policy({writer: space}, load={writer: allowed}, store={writer: [writer]})
        table = direct(story.carried, policy, THRESHOLD).sel(subspace=writer)
    except (BadRequest, Undefined) as reason:  # for example a head that can write everywhere
        return LeftOut("Permissions", TITLE, f"It was not audited: {reason}.")
    loads = table["own"].where(table["breach"]).dropna("reader")
    denied = int((~table["may_load"]).sum())
    strangers = [str(name) for name in table["writer"].values[table["store_breach"].values]]
    claim = (
        f"Suppose that only {listed(allowed)} may load the {plural(space.rank, 'dimension')} that {writer} can write, "
        f"and only {writer} may store there. Of {plural(denied, 'other reader')}, {len(loads)} would break this rule"
    )
    if len(loads):
        strongest = str(loads["reader"].values[int(np.argmax(loads.values))])
        claim += f", most of all {strongest}, {number(float(loads.max()))} of whose load comes from there"
    claim += f"; so would {plural(len(strangers), 'writer')}." if strangers else "; no writer would."
    view = rights_view(table.expand_dims("subspace"))
    note = reading(
        "A share is what a reader loads from the subspace over all that it loads; a store's is over all that the "
        f"subspace holds. A breach is above {number(THRESHOLD)} and beyond chance (docs/permissions.md). "
        f"loadstore audit {story.weights.name} POLICY.toml also follows copies (taint), and loadstore enforce makes a "
        "model that cannot break the rule."
    )
    return figure("Permissions", TITLE, claim, [view], note)
