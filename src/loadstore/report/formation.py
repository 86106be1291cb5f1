"""A page about the formation of an induction head."""

from pathlib import Path
from typing import TYPE_CHECKING

from loadstore.atomic import write_whole
from loadstore.figures.emergence import emergence_figure
from loadstore.figures.facts import facts
from loadstore.figures.formation import formation_figure
from loadstore.figures.words import sentence
from loadstore.heads.roles import random_repeats
from loadstore.model.weights import Weights
from loadstore.tokenizer.tokens import labels
from loadstore.training.formation import Formation, verdict
from loadstore.version import VERSION
from loadstore.views.figures import Page, Section
from loadstore.views.page import render_page

if TYPE_CHECKING:
    import xarray as xr


def formation_document(weights: Weights, formation: Formation, emerged: "xr.Dataset | None" = None) -> Page:
    """Scores and losses over log tokens as a page, on a repeat of random words; ``emerged``: of checkpoints, too."""
    ids = random_repeats(weights, 1, period=8)[0].tolist()
    return Page(
        title="The moment an induction head forms" if formation.formed else "No induction head formed",
        lead=sentence(verdict(formation)),
        prompt="" if weights.tokens is None else weights.tokens.tokenizer.decode(ids),
        tokens=tuple(labels(ids, weights.tokens)),
        facts=tuple(facts(weights)),
        sections=training_sections(weights, formation, emerged),
        footer=(f"loadstore {VERSION}. This page carries all numbers in it; it loads nothing.",),
    )


def training_sections(
    weights: Weights, formation: Formation, emerged: "xr.Dataset | None" = None
) -> tuple[Section, ...]:
    """The measured lines of a run, and with ``emerged`` its checkpoints, as sections of a page."""
    sections = [
        Section(
            id="formation",
            title="The moment" if formation.formed else "The run",
            lead="The text is random words, repeated: only looking back shows what comes next.",
            figures=(formation_figure(formation, weights.architecture.vocab),),
        )
    ]
    if emerged is not None:
        sections.append(
            Section(
                id="emergence",
                title="What formed when",
                lead="Every checkpoint that was kept, measured; the circuit is the one that the run ends with.",
                figures=(emergence_figure(emerged),),
            )
        )
    return tuple(sections)


def write_formation(weights: Weights, formation: Formation, path: Path, emerged: "xr.Dataset | None" = None) -> None:
    """Write the page, whole or not at all. Raises BadRequest when it cannot be written."""
    write_whole(path, render_page(formation_document(weights, formation, emerged)).encode())
