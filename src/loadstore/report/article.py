"""The article's figures, in its order and under its numbers, and the first paragraph."""

from loadstore.figures.heads.dossier import dossier_figures
from loadstore.figures.heads.formulas import formula_figure
from loadstore.figures.heads.induction import induction_figures, is_induction
from loadstore.figures.heads.previous import previous_figures
from loadstore.figures.heads.token_addresses import token_figures
from loadstore.figures.prediction.log_odds import attribution_figures
from loadstore.figures.prediction.stream import first_stream_figure, later_stream_figure
from loadstore.figures.prediction.three_addresses import closing_figure
from loadstore.figures.prediction.walk import walk_of
from loadstore.figures.subject.story import Story
from loadstore.figures.weights.machine import machine_figure
from loadstore.figures.weights.spectra import spectra_figures
from loadstore.figures.wires.cut_wire import cause_figures
from loadstore.figures.wires.moved import moved_figure
from loadstore.figures.wires.puzzle import puzzle
from loadstore.figures.wires.subspace_score import score_figure
from loadstore.figures.wires.traffic import ABOUT, CARRIED, traffic_figures
from loadstore.figures.words import listed, number
from loadstore.heads.roles import measured_roles
from loadstore.report.depth import depth_parts
from loadstore.report.parts import Part, counted, drawn, shared
from loadstore.report.sections import Built, section
from loadstore.views.model import Figure

NUMBERS = {
    "Machine": "1",
    "Spectra": "2",
    "Variance": "3",
    "Rows": "4",
    "Memory": "5",
    "Formulas": "6",
    "Score": "7",
    "Previous": "8",
    "First stream": "9",
    "Choosing": "10",
    "Control": "11",
    "Moved": "12",
    "Later stream": "13",
    "Induction": "14",
    "Reads": "15",
}
"""The article's numbers; other figures have names."""


def article_parts(story: Story) -> list[Part]:
    """The parts of the page, in the article's order; costs are seconds for the built-in model on one thread."""
    position = story.weights.architecture.positions
    return [
        counted("roles of all heads", 0.4, lambda steps: measured_roles(story.weights, progress=steps)),
        shared("subspace scores", 0.3, lambda: (story.scores, story.reversed)),
        drawn(
            "the machine",
            0.03,
            lambda: section(
                "machine",
                "The machine",
                "Components load from one shared memory, the residual stream, and store to it.",
                [machine_figure(story)],
            ),
        ),
        drawn(
            "the memory",
            0.03,
            lambda: section(
                "memory",
                "The memory",
                f"The residual stream is shared memory. How much of it {_use(story)}?",
                spectra_figures(story),
            ),
        ),
        drawn(
            "the token part of an address",
            0.03,
            lambda: section(
                "tokens",
                "The token part of an address",
                "Attention determines the rows of the memory that a head loads from.",
                token_figures(story),
            ),
        ),
        drawn(
            "the subspace part of an address",
            0.05,
            lambda: section(
                "subspaces",
                "The subspace part of an address",
                "The weights determine which part of a row is loaded, and where it is stored.",
                [formula_figure(story), score_figure(story)],
            ),
        ),
        drawn(
            "the previous token",
            0.2,
            lambda: section(
                "previous",
                "A head without positions" if position == "none" else "Addressing by position",
                "One head of layer 0, both parts of its address.",
                _previous(story),
            ),
        ),
        drawn(
            "induction",
            0.8,
            lambda: section(
                "induction",
                "Addressing by content",
                "A second layer can search for what the first one stored.",
                [*induction_figures(story), *cause_figures(story)],
            ),
        ),
        drawn(
            "the prediction",
            0.1,
            lambda: section(
                "prediction",
                "The prediction",
                "A prediction is the sum of everything that was stored.",
                [*attribution_figures(story), closing_figure(story), walk_of(story)],
            ),
        ),
        drawn(
            "traffic on text",
            0.8,
            lambda: section(
                "traffic", "What is carried", CARRIED, traffic_figures(story, story.weights.architecture.heads)
            ),
            slow=True,
            about=ABOUT,
        ),
        *depth_parts(story),
        drawn(
            "a dossier",
            2.4,
            lambda: _puzzle(story),
            slow=True,
            about=("The dossier of a head", "the head that the article cannot explain"),
        ),
    ]


def _previous(story: Story) -> list[Figure]:
    pattern, addressing, controls = previous_figures(story)
    return [
        pattern,
        first_stream_figure(story),
        addressing,
        controls,
        moved_figure(story),
        later_stream_figure(story),
    ]


def _puzzle(story: Story) -> Built | None:
    riddle = puzzle(story)
    if riddle is None:
        return None
    return section(
        "puzzle",
        f"What {riddle.head} does",
        "The article ends with a head that it does not explain: the induction head's Q and K load from it too. Here "
        f"that is {riddle.head}. Of the heads aligned with the Q or K of {story.candidate}, {story.previous} aside, it "
        f"carries most on text: {number(riddle.traffic)} nats into the {riddle.side}.",
        dossier_figures(story.weights, riddle.head, story.roles, story.scores),
    )


def lead(story: Story) -> str:
    """The first paragraph: the finding, or that nothing was found."""
    previous = story.role(story.previous, "previous")
    first = (
        f"{story.previous} attends to the previous token ({number(previous)} on random repeats)."
        if story.is_previous
        else f"No head of layer 0 attends to the previous token (at most {number(previous)}, {story.previous})."
    )
    if story.candidate is None:
        return f"{first} With one layer there is nothing above it to search for what it stored."
    if not story.induction:
        return f"{first} {is_induction(story, story.candidate)}"
    scores = listed([f"{head} ({number(story.role(head, 'induction'))})" for head in story.induction])
    return f"{first} After it come {scores}: on repeats they attend to what followed before."


def _use(story: Story) -> str:
    return "do the first two writers use" if len(story.first_writers) > 1 else "does the first writer use"
