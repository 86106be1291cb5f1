"""The page on a large model: sections of figures, most of them computed from one run and one table of roles."""

from typing import Any

from loadstore.models.trace import run
from loadstore.models.weights import Weights
from loadstore.report.attribution import attribution_figures
from loadstore.report.closing import closing_figure
from loadstore.report.dossier import dossier_figures
from loadstore.report.formulas import formula_figure
from loadstore.report.induction import induction_figure, is_induction
from loadstore.report.machine import machine_figure
from loadstore.report.real.atlas import FALL, Atlas
from loadstore.report.real.roles import role_figures
from loadstore.report.real.rooms import room_figure
from loadstore.report.real.undefined import undefined_figure
from loadstore.report.real.wires import cut_figures, score_figure
from loadstore.report.sections import section
from loadstore.report.spectra import spectra_figures
from loadstore.report.traffic import CARRIED, traffic_figures
from loadstore.report.walk import walk_of
from loadstore.report.words import number
from loadstore.views.model import Figure


def explore(weights: Weights, prompt: str | list[int]) -> Atlas:
    """Run a prompt and return what the page is about. Raises BadPrompt, Undefined."""
    return Atlas(weights, run(weights, prompt, record=True), prompt)


def real_sections(atlas: Atlas) -> list[dict[str, Any]]:
    """Machine, heads, memory, subspaces, induction, and the dossier of the strongest induction head."""
    head = atlas.candidate
    lacking = undefined_figure(atlas.weights)
    found = [
        section(
            "machine",
            "The machine",
            "Components load from one shared memory, the residual stream, and store to it.",
            [machine_figure(atlas), *([] if lacking is None else [lacking])],
        ),
        section("heads", "Who does what", "What every head does on tokens that mean nothing.", role_figures(atlas)),
        section(
            "memory",
            "The memory",
            "The residual stream is shared memory. How much of it is used, and by whom?",
            [*_renumbered(spectra_figures(atlas), ("5", "6")), room_figure(atlas)],
        ),
        section(
            "subspaces",
            "The subspace part of an address",
            "The weights say what of a row can be loaded, and where it is stored.",
            [score_figure(atlas), *_renumbered([formula_figure(atlas)], ("Formulas",))],
        ),
    ]
    if head is not None:
        figures = [*cut_figures(atlas), *_renumbered([induction_figure(atlas, head)], ("11",)), closing_figure(atlas)]
        figures += [walk_of(atlas)]
        found += [
            section("induction", "Addressing by content", _searching(atlas), figures),
            section(
                "dossier",
                f"The dossier of {head}",
                "What it does, reads, stores and moves, and what is lost without it.",
                dossier_figures(atlas.weights, head, roles=atlas.roles),
            ),
        ]
    found.insert(4, section("traffic", "What is carried", CARRIED, traffic_figures(atlas, atlas.notable)))
    told = "A prediction is the sum of everything that was stored."
    return [*found, section("prediction", "What it comes to", told, attribution_figures(atlas))]


def _searching(atlas: Atlas) -> str:
    if atlas.induction:
        return "One head searches for what another stored."
    return "No head searches for what another stored; this is about the one that comes nearest to it."


def real_lead(atlas: Atlas) -> str:
    """The first paragraph: the induction head and the head that it needs, or that there is none."""
    head = atlas.candidate
    if head is None:
        return "With one layer there is nothing that could search for what another head stored."
    if not atlas.induction:
        return is_induction(atlas, head)
    found = (
        f"{head} is the strongest induction head: on random repeats {number(atlas.role(head, 'induction'))} of its "
        "attention goes to what followed before."
    )
    if not atlas.needed("K"):
        return f"{found} No single wire into its K explains that: no cut lowers the score by more than {number(FALL)}."
    best = atlas.cuts["K"].sortby("score").isel(writer=0)
    writer, intact = str(best["writer"].values), float(best.intact)
    role = "the strongest previous-token head below it" if writer == str(atlas.previous) else "a store that it needs"
    return (
        f"{found} It finds that by what {writer}, {role}, stored: with this one wire cut from its K the score falls "
        f"from {number(intact)} to {number(float(best.score))}."
    )


def _renumbered(figures: list[Figure], numbers: tuple[str, ...]) -> list[Figure]:
    """The article's figures under this page's numbers."""
    return [
        {**figure, "number": number, "id": f"figure-{number.lower()}"}
        for figure, number in zip(figures, numbers, strict=True)
    ]
