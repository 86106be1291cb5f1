"""The whole report: sections of figures, the facts of the model, and one self-contained page."""

from collections.abc import Sequence
from pathlib import Path

from loadstore.atomic import check_target, write_whole
from loadstore.errors import Undefined
from loadstore.figures.facts import facts
from loadstore.figures.left_out import quick_words
from loadstore.figures.subject.prompt import Prompt
from loadstore.figures.subject.stories import article_story, large_story
from loadstore.figures.words import plural
from loadstore.heads.roles import bos_of
from loadstore.model.architecture import Architecture
from loadstore.model.weights import Weights
from loadstore.report import article, large
from loadstore.report.asked import answer, command
from loadstore.report.depth import depth_lines
from loadstore.report.parts import Progress, build_all, quick_parts
from loadstore.report.sections import laid_out
from loadstore.version import VERSION
from loadstore.views.figures import Page
from loadstore.views.page import render_page

LEAST = 4  # tokens: two tokens, repeated
ARTICLE_HEADS = 64  # maximum heads for drawing an attention-only model head by head


def is_article(shape: Architecture) -> bool:
    """Whether the article's own figures apply: attention only, and few heads."""
    return shape.mlp is None and shape.n_layers * shape.n_heads <= ARTICLE_HEADS


def report_document(
    weights: Weights,
    prompt: Prompt | None = None,
    *,
    at: int | None = None,
    predict: int | str | None = None,
    against: int | str | None = None,
    model: str | None = None,
    options: Sequence[str] = (),
    quick: bool = False,
    progress: Progress | None = None,
) -> Page:
    """The report on one prediction as a page.

    A small attention-only model gets the article's figures; any other model gets the page of ``report.large``.

    Args:
        weights: The model.
        prompt: A text or token ids; the article's sentence if None.
        at: Index of the token whose next token is predicted: by default the last one, or for the article's sentence
            the one in the article's question.
        predict: The prediction to explain, an id or a text of one token; the likeliest if None.
        against: The token to compare with; the likeliest other token if None.
        model: The model as named on the command line, for the command on the page.
        options: Other options of that command.
        quick: Leave out slow sections, and list them at the end.
        progress: Called at the start of each part.

    Raises:
        BadPrompt: The prompt is unusable, or a target has several tokens.
        BadRequest: A target is outside the vocabulary, or compared with itself.
        Undefined: The context is too short for a report, a text is given without a tokenizer, or the token index does
            not exist.
    """
    least = LEAST + (bos_of(weights) is not None)
    if weights.architecture.context < least:
        raise Undefined(
            f"{weights.name} takes {plural(weights.architecture.context, 'token')}: too short for a report, which is "
            f"about repeats and needs a context of {least}. loadstore scores and loadstore spectrum need no prompt"
        )
    if is_article(weights.architecture):
        story = article_story(weights, prompt, at, predict, against, quick=quick)
        parts, numbers, opening = article.article_parts(story), article.NUMBERS, article.lead
    else:
        story = large_story(weights, prompt, at, predict, against, quick=quick)
        parts, numbers, opening = large.large_parts(story), large.NUMBERS, large.large_lead
    parts, slow = quick_parts(parts, quick=quick)
    sections = build_all(parts, progress)
    lead = f"{opening(story)} {quick_words(slow)}" if slow else opening(story)
    options = [*options, *(["--quick"] if quick else [])]
    default = prompt is None and at is None and predict is None
    return Page(
        title=f"{weights.name}: the load/store machine",
        lead=f"{answer(story, default=default)} {lead}",
        prompt=story.prompt if isinstance(story.prompt, str) else ", ".join(map(str, story.prompt)),
        tokens=tuple(story.trace.labels),
        facts=(
            ("another question: change --at, --predict or --against", command(story, model, options)),
            *facts(weights),
        ),
        sections=laid_out(sections, numbers, slow),
        footer=(
            f"loadstore {VERSION}. This page carries the prompt and all numbers in it; it loads nothing.",
            "Alignment: 0 is what a random rotation between writer and reader would give, 1 the most that their "
            "spectra allow, −1 the least. z and p are those of the exact null.",
            *depth_lines(weights),
        ),
    )


def write_report(
    weights: Weights,
    path: Path,
    prompt: Prompt | None = None,
    *,
    at: int | None = None,
    predict: int | str | None = None,
    against: int | str | None = None,
    model: str | None = None,
    options: Sequence[str] = (),
    quick: bool = False,
    progress: Progress | None = None,
) -> Page:
    """Write the page atomically and return it. Arguments and errors are those of ``report_document``.

    Raises:
        BadRequest: Also if the page cannot be written.
    """
    check_target(path)
    page = report_document(
        weights,
        prompt,
        at=at,
        predict=predict,
        against=against,
        model=model,
        options=options,
        quick=quick,
        progress=progress,
    )
    write_page(page, path)
    return page


def write_page(page: Page, path: Path) -> None:
    """Write a report atomically. Raises BadRequest if it cannot be written."""
    write_whole(path, render_page(page).encode())
