"""The article's figures, in its order, and the first paragraph."""

from typing import Any

from loadstore.report.attribution import attribution_figures
from loadstore.report.cause import cause_figures
from loadstore.report.closing import closing_figure
from loadstore.report.dossier import dossier_figures
from loadstore.report.formulas import formula_figure
from loadstore.report.induction import induction_figures, is_induction
from loadstore.report.machine import machine_figure
from loadstore.report.moved import moved_figure
from loadstore.report.previous import previous_figures
from loadstore.report.puzzle import puzzling_head
from loadstore.report.score import score_figure
from loadstore.report.sections import section
from loadstore.report.spectra import spectra_figures
from loadstore.report.story import Story
from loadstore.report.stream import first_stream_figure, later_stream_figure
from loadstore.report.tokens import token_figures
from loadstore.report.traffic import CARRIED, traffic_figures
from loadstore.report.walk import walk_of
from loadstore.report.words import listed, number


def article_sections(story: Story) -> list[dict[str, Any]]:
    """Sections of figures; those that the model has nothing for are empty or left out."""
    previous = previous_figures(story)
    sections = [
        section(
            "machine",
            "The machine",
            "Components load from one shared memory, the residual stream, and store to it.",
            [machine_figure(story)],
        ),
        section(
            "memory",
            "The memory",
            f"The residual stream is shared memory. How much of it {_use(story)}?",
            spectra_figures(story),
        ),
        section(
            "tokens",
            "The token part of an address",
            "Attention says which rows of the memory a head loads from.",
            token_figures(story),
        ),
        section(
            "subspaces",
            "The subspace part of an address",
            "The weights say what of a row is loaded, and where it is stored.",
            [formula_figure(story), score_figure(story)],
        ),
        section(
            "previous",
            "A head without positions" if story.weights.architecture.positions == "none" else "Addressing by position",
            "One head of layer 0, both parts of its address.",
            [
                _numbered(previous, "8"),
                first_stream_figure(story),
                _numbered(previous, "10"),
                _numbered(previous, "11"),
                moved_figure(story),
                later_stream_figure(story),
            ],
        ),
        section(
            "induction",
            "Addressing by content",
            "A second layer can search for what the first one stored"
            + ("; this model has one layer." if story.candidate is None else "."),
            [*induction_figures(story), closing_figure(story), walk_of(story), *cause_figures(story)],
        ),
        section(
            "prediction",
            "What it comes to",
            "A prediction is the sum of everything that was stored.",
            attribution_figures(story),
        ),
        section("traffic", "What is carried", CARRIED, traffic_figures(story, story.weights.architecture.heads)),
    ]
    if (puzzle := puzzling_head(story)) is not None:
        head, side = puzzle
        sections.append(
            section(
                "puzzle",
                f"I wonder what {head} is doing",
                f"The article ends with a head that it cannot explain. Here, {story.previous} aside, {head} is the "
                f"writer best aligned with the {side} of {story.candidate}. Its dossier:",
                dossier_figures(story.weights, head, story.roles, story.scores),
            )
        )
    return sections


def lead(story: Story) -> str:
    """The first paragraph: what was found, or that it was not."""
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


def _numbered(figures: list[dict[str, Any]], number: str) -> dict[str, Any]:
    return next(figure for figure in figures if figure["number"] == number)
