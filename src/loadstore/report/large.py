"""The page for a large model: sections of figures, most of them from one run and one table of roles."""

from loadstore.figures.heads.dossier import dossier_figures
from loadstore.figures.heads.formulas import formula_figure
from loadstore.figures.heads.induction import induction_figure, is_induction
from loadstore.figures.heads.roles import role_figures
from loadstore.figures.prediction.log_odds import attribution_figures
from loadstore.figures.prediction.three_addresses import closing_figure
from loadstore.figures.prediction.walk import walk_of
from loadstore.figures.subject.close_look import FALL, cuts, notable, strongest_supply
from loadstore.figures.subject.story import Story
from loadstore.figures.weights.machine import machine_figure
from loadstore.figures.weights.rooms import room_figures
from loadstore.figures.weights.spectra import spectra_figures
from loadstore.figures.weights.undefined import undefined_figure
from loadstore.figures.wires.notable import cut_figures, score_figure
from loadstore.figures.wires.traffic import ABOUT, CARRIED, traffic_figures
from loadstore.figures.words import number
from loadstore.heads.roles import measured_roles
from loadstore.report.depth import depth_parts
from loadstore.report.parts import Part, counted, drawn, shared
from loadstore.report.sections import Built, section

NUMBERS = {
    "Machine": "1",
    "Roles": "2",
    "Notable": "3",
    "Patterns": "4",
    "Spectra": "5",
    "Variance": "6",
    "Room": "7",
    "Alignment": "8",
    "Cut K": "9",
    "Cut Q": "10",
    "Induction": "11",
}
"""Numbers of figures by their names; other figures have names."""


def large_parts(story: Story) -> list[Part]:
    """The parts of the page; costs are seconds for SmolLM2-135M on one thread."""
    return [
        counted("roles of all heads", 9.0, lambda steps: measured_roles(story.weights, progress=steps)),
        shared(
            "every wire of the induction head, cut", 10.0, lambda: (cuts(story), strongest_supply(story)), slow=True
        ),
        shared("subspace scores", 1.5, lambda: story.scores),
        drawn("the prediction", 0.8, lambda: _prediction(story)),
        drawn("the machine", 0.05, lambda: _machine(story)),
        drawn(
            "who does what",
            0.2,
            lambda: section("heads", "Who does what", "What every head does on random tokens.", role_figures(story)),
        ),
        drawn(
            "the memory",
            0.9,
            lambda: section(
                "memory",
                "The memory",
                "The residual stream is shared memory. How much of it is used, and by whom?",
                [*spectra_figures(story), *room_figures(story)],
            ),
        ),
        drawn(
            "the subspace part of an address",
            0.05,
            lambda: section(
                "subspaces",
                "The subspace part of an address",
                "The weights determine which part of a row can be loaded, and where it is stored.",
                [score_figure(story), formula_figure(story)],
            ),
        ),
        shared(
            "how the stream varies on text",
            6.0,
            lambda: story.carried if len(story.trace.labels) > 1 else None,
            slow=True,
        ),
        drawn(
            "traffic on text",
            12.0,
            lambda: section("traffic", "What is carried", CARRIED, traffic_figures(story, notable(story))),
            slow=True,
            about=ABOUT,
        ),
        drawn(
            "induction",
            0.2,
            lambda: _induction(story),
            slow=True,
            about=("Addressing by content", "every wire into the K and the Q of the induction head, cut"),
        ),
        *depth_parts(story),
        drawn(
            "the dossier",
            20.0,
            lambda: _dossier(story),
            slow=True,
            about=(f"The dossier of {story.main}", "what this head does in general"),
        ),
    ]


def _prediction(story: Story) -> Built:
    figures = [*attribution_figures(story), closing_figure(story), walk_of(story)]
    return section("prediction", "The prediction", "A prediction is the sum of everything that was stored.", figures)


def _machine(story: Story) -> Built:
    lacking = undefined_figure(story.weights)
    return section(
        "machine",
        "The machine",
        "Components load from one shared memory, the residual stream, and store to it.",
        [machine_figure(story), *([] if lacking is None else [lacking])],
    )


def _induction(story: Story) -> Built | None:
    head = story.candidate
    if head is None:
        return None
    figures = [*cut_figures(story), induction_figure(story, head)]
    return section("induction", "Addressing by content", _searching(story), figures)


def _dossier(story: Story) -> Built:
    text = (
        f"{story.main} adds most to {story.predicted} after {story.after}. This is what it does in general: reads, "
        "stores, moves, and what is lost without it."
    )
    figures = dossier_figures(story.weights, story.main, roles=story.roles)
    return section("dossier", f"The dossier of {story.main}", text, figures)


def _searching(story: Story) -> str:
    if story.induction:
        return "One head searches for what another stored."
    return "No head searches for what another stored; this section is about the closest one."


def large_lead(story: Story) -> str:
    """The first paragraph: the induction head and the head it depends on, or that there is none."""
    head = story.candidate
    if head is None:
        return "With one layer there is nothing that could search for what another head stored."
    if not story.induction:
        return is_induction(story, head)
    claim = (
        f"{head} is the strongest induction head: on random repeats {number(story.role(head, 'induction'))} of its "
        "attention goes to what followed before."
    )
    if story.quick:
        return claim
    supply = strongest_supply(story)
    if supply is None:
        return f"{claim} No single wire into its K explains that: no cut lowers the score by more than {number(FALL)}."
    return f"{claim} {supply.sentence}"
