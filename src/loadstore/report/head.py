"""The page of one head: the figures of its dossier."""

from loadstore.evidence.head_facts import Dossier
from loadstore.figures.facts import facts
from loadstore.figures.heads.dossier import figures_of
from loadstore.figures.heads.verdict import summary
from loadstore.model.weights import Weights
from loadstore.views.figures import Page, Section


def head_page(weights: Weights, dossier: Dossier) -> Page:
    """The figures of a dossier under its verdict.

    Args:
        weights: The model.
        dossier: The dossier of one of its heads.
    """
    return Page(
        title=f"{dossier.head} of {dossier.model}",
        lead=summary(dossier),
        prompt="",
        tokens=(),
        facts=tuple(facts(weights)),
        sections=(Section(id="head", title=dossier.head, lead="", figures=tuple(figures_of(dossier))),),
        footer=("Alignment: 0 is what a random rotation would give, 1 the most that the spectra allow, −1 the least.",),
    )
