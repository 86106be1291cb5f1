"""The whole report: sections of figures, what the model is, and one self-contained page."""

from pathlib import Path
from typing import Any

import loadstore
from loadstore.atomic import replacing
from loadstore.errors import Undefined
from loadstore.heads.roles import bos_of
from loadstore.models.weights import Weights
from loadstore.report.article import article_sections, lead
from loadstore.report.facts import facts
from loadstore.report.real.atlas import is_article
from loadstore.report.real.page import explore, real_lead, real_sections
from loadstore.report.story import ARTICLE, tell
from loadstore.report.words import plural
from loadstore.views.page import render_page

LEAST = 4  # tokens: two of them, twice


def report_document(weights: Weights, prompt: str | list[int] = ARTICLE) -> dict[str, Any]:
    """The report on a text or on token ids as a ``loadstore/page@1`` view model. Raises BadPrompt, Undefined.

    A small attention-only model gets the article's figures; any other the page of ``report.real``.
    """
    least = LEAST + (bos_of(weights) is not None)
    if weights.architecture.context < least:
        raise Undefined(
            f"{weights.name} takes {plural(weights.architecture.context, 'token')}: too short for a report, which is "
            f"about repeats and needs a context of {least}. loadstore scores and loadstore spectrum need no prompt"
        )
    if is_article(weights.architecture):
        story = tell(weights, prompt)
        opening, sections = lead(story), article_sections(story)
    else:
        story = explore(weights, prompt)
        opening, sections = real_lead(story), real_sections(story)
    return {
        "schema": "loadstore/page@1",
        "title": f"{weights.name}: the load/store machine",
        "lead": opening,
        "prompt": prompt if isinstance(prompt, str) else ", ".join(map(str, prompt)),
        "tokens": story.trace.labels,
        "facts": facts(weights),
        "sections": [part for part in sections if part["figures"]],
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
