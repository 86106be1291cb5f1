"""The whole report: sections of figures, what the model is, and one self-contained page."""

from pathlib import Path
from typing import Any

import loadstore
from loadstore.atomic import replacing
from loadstore.models.weights import Weights
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
from loadstore.report.spectra import spectra_figures
from loadstore.report.story import ARTICLE, Story, tell
from loadstore.report.stream import first_stream_figure, later_stream_figure
from loadstore.report.tokens import token_figures
from loadstore.report.words import listed, number
from loadstore.views.page import render_page


def report_document(weights: Weights, prompt: str | list[int] = ARTICLE) -> dict[str, Any]:
    """The report on a text or on token ids as a ``loadstore/page@1`` view model. Raises BadPrompt."""
    story = tell(weights, prompt)
    previous = previous_figures(story)
    sections = [
        _section(
            "machine",
            "The machine",
            "Components load from one shared memory, the residual stream, and store to it.",
            [machine_figure(story)],
        ),
        _section(
            "memory",
            "The memory",
            f"The residual stream is shared memory. How much of it {_use(story)}?",
            spectra_figures(story),
        ),
        _section(
            "tokens",
            "The token part of an address",
            "Attention says which rows of the memory a head loads from.",
            token_figures(story),
        ),
        _section(
            "subspaces",
            "The subspace part of an address",
            "The weights say what of a row is loaded, and where it is stored.",
            [formula_figure(story), score_figure(story)],
        ),
        _section(
            "previous",
            "A head without positions" if weights.architecture.positions == "none" else "Addressing by position",
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
        _section(
            "induction",
            "Addressing by content",
            "A second layer can search for what the first one stored.",
            [*induction_figures(story), closing_figure(story), *cause_figures(story)],
        ),
    ]
    if (puzzle := puzzling_head(story)) is not None:
        head, side = puzzle
        sections.append(
            _section(
                "puzzle",
                f"I wonder what {head} is doing",
                f"The article ends with a head that it cannot explain. Here, {story.previous} aside, {head} is the "
                f"writer best aligned with the {side} of {story.candidate}. Its dossier:",
                dossier_figures(weights, head, story.roles, story.scores),
            )
        )
    return {
        "schema": "loadstore/page@1",
        "title": f"{weights.name}: the load/store machine",
        "lead": lead(story),
        "prompt": prompt if isinstance(prompt, str) else ", ".join(map(str, prompt)),
        "tokens": story.trace.labels,
        "facts": facts(weights),
        "sections": [section for section in sections if section["figures"]],
        "footer": [
            f"loadstore {loadstore.__version__}. This page carries the prompt and all numbers in it; it loads nothing.",
            "Alignment: 0 is what a random rotation between writer and reader would give, 1 the most that their "
            "spectra allow, −1 the least. z and p are those of the exact null.",
        ],
    }


def write_report(weights: Weights, path: Path, prompt: str | list[int] = ARTICLE) -> dict[str, Any]:
    """Write the page atomically and return its document. Raises BadPrompt, BadRequest when it cannot be written."""
    with replacing(path) as partial:
        document = report_document(weights, prompt)
        partial.write_text(render_page(document), encoding="utf-8")
    return document


def facts(weights: Weights) -> list[list[str]]:
    """What kind of machine this is, as rows for a person."""
    shape = weights.architecture
    size = sum(tensor.numel() for _, tensor in weights.named())
    bos = (
        "no tokenizer" if weights.tokens is None else "none" if weights.tokens.bos is None else "put before the prompt"
    )
    return [
        ["model", weights.name],
        ["layers × heads", f"{shape.n_layers} × {shape.n_heads}"],
        ["d_model, d_head", f"{shape.d_model}, {shape.d_head}"],
        ["positions", shape.positions],
        [
            "norm",
            {"none": "none", "layer": "LayerNorm (in the readers)", "rms": "RMSNorm (in the readers)"}[shape.norm],
        ],
        ["vocabulary", f"{shape.vocab:,}"],
        ["context", f"{shape.context:,}"],
        ["parameters", f"{size:,}"],
        ["BOS", bos],
    ]


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


def _section(name: str, title: str, text: str, figures: list[dict[str, Any]]) -> dict[str, Any]:
    return {"id": name, "title": title, "lead": text, "figures": figures}
