"""The sections about memory over depth and permissions, and the line that replaces them on a large model."""

from loadstore.figures.over_depth import memory_figures, permission_figure
from loadstore.figures.subject.story import Story
from loadstore.model.weights import Weights
from loadstore.model.wiring import wiring
from loadstore.report.parts import Part, drawn
from loadstore.report.sections import section

READERS = 200  # with more readers, these sections take longer than four seconds
REGIONS = "Every writer adds to the stream, and nothing clears it. Who stores where, and who overwrites and loads it?"
RIGHTS = "Could a part of the memory be kept from some of its readers, as an operating system keeps pages?"


def depth_parts(story: Story) -> list[Part]:
    """The sections, folded; none on a large model. Costs are seconds for the built-in model on one thread."""
    if _is_large(story.weights):
        return []
    return [
        drawn(
            "the memory over depth",
            2.0,
            lambda: section("regions", "Memory over depth", REGIONS, memory_figures(story), folded=True),
            slow=True,
            about=("Memory over depth", "regions, what happens to stores, and how far back readers load from"),
        ),
        drawn(
            "permissions",
            0.7,
            lambda: section("permissions", "Permissions", RIGHTS, [permission_figure(story)], folded=True),
            slow=True,
            about=("Permissions", "who would break an example policy"),
        ),
    ]


def depth_lines(weights: Weights) -> list[str]:
    """The commands that measure the same, if the sections are left out."""
    if not _is_large(weights):
        return []
    name = weights.name
    return [
        f"Regions, lifetimes, reach and permissions take minutes on a model of this size: loadstore maps {name}, "
        f"loadstore lifetimes {name}, loadstore reach {name}, loadstore audit {name} POLICY.toml."
    ]


def _is_large(weights: Weights) -> bool:
    return len(wiring(weights).readers) > READERS
