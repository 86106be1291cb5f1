"""The page on a large model: sections of figures, most of them computed from one run and one table of roles."""

from loadstore.figures.heads.dossier import dossier_figures
from loadstore.figures.heads.formulas import formula_figure
from loadstore.figures.heads.induction import induction_figure, is_induction
from loadstore.figures.heads.roles import role_figures
from loadstore.figures.prediction.log_odds import attribution_figures
from loadstore.figures.prediction.three_addresses import closing_figure
from loadstore.figures.prediction.walk import walk_of
from loadstore.figures.subject.atlas import FALL, Atlas
from loadstore.figures.subject.prompt import Prompt, ask
from loadstore.figures.weights.machine import machine_figure
from loadstore.figures.weights.rooms import room_figures
from loadstore.figures.weights.spectra import spectra_figures
from loadstore.figures.weights.undefined import undefined_figure
from loadstore.figures.wires.notable import cut_figures, score_figure
from loadstore.figures.wires.traffic import CARRIED, traffic_figures
from loadstore.figures.words import number
from loadstore.model.weights import Weights
from loadstore.report.parts import Part, shared
from loadstore.report.sections import Built, section
from loadstore.views.figures import numbered


def explore(
    weights: Weights,
    prompt: Prompt | None = None,
    at: int | None = None,
    predict: int | str | None = None,
    against: int | str | None = None,
) -> Atlas:
    """Run a prompt and return the results that the page shows. Arguments and errors are those of ``prompt.ask``."""
    trace, given, asked = ask(weights, prompt, at, predict, against)
    return Atlas(weights, trace, given, asked)


def real_parts(atlas: Atlas) -> list[Part]:
    """The parts of the page; costs are seconds of SmolLM2-135M on one thread."""
    return [
        shared("roles of all heads", 9.0, lambda: atlas.roles),
        shared("every wire of the induction head, cut", 6.0, lambda: (atlas.cuts, atlas.supply)),
        shared("subspace scores", 1.5, lambda: atlas.scores),
        Part("the prediction", 0.8, lambda: _prediction(atlas)),
        Part("the machine", 0.05, lambda: _machine(atlas)),
        Part(
            "who does what",
            0.2,
            lambda: section(
                "heads", "Who does what", "What every head does on tokens that mean nothing.", role_figures(atlas)
            ),
        ),
        Part(
            "the memory",
            0.9,
            lambda: section(
                "memory",
                "The memory",
                "The residual stream is shared memory. How much of it is used, and by whom?",
                [*spectra_figures(atlas, ("5", "6")), *room_figures(atlas)],
            ),
        ),
        Part(
            "the subspace part of an address",
            0.05,
            lambda: section(
                "subspaces",
                "The subspace part of an address",
                "The weights say what of a row can be loaded, and where it is stored.",
                [score_figure(atlas), numbered(formula_figure(atlas), "Formulas")],
            ),
        ),
        shared("how the stream varies on text", 5.0, lambda: atlas.carried if len(atlas.trace.labels) > 1 else None),
        Part(
            "traffic on text",
            12.0,
            lambda: section("traffic", "What is carried", CARRIED, traffic_figures(atlas, atlas.notable)),
        ),
        Part("induction", 0.2, lambda: _induction(atlas)),
        Part("the dossier", 20.0, lambda: _dossier(atlas)),
    ]


def _prediction(atlas: Atlas) -> Built:
    figures = [*attribution_figures(atlas), closing_figure(atlas), walk_of(atlas)]
    return section("prediction", "The prediction", "A prediction is the sum of everything that was stored.", figures)


def _machine(atlas: Atlas) -> Built:
    lacking = undefined_figure(atlas.weights)
    return section(
        "machine",
        "The machine",
        "Components load from one shared memory, the residual stream, and store to it.",
        [machine_figure(atlas), *([] if lacking is None else [lacking])],
    )


def _induction(atlas: Atlas) -> Built | None:
    head = atlas.candidate
    if head is None:
        return None
    figures = [*cut_figures(atlas), induction_figure(atlas, head, "11")]
    return section("induction", "Addressing by content", _searching(atlas), figures)


def _dossier(atlas: Atlas) -> Built:
    told = (
        f"{atlas.main} adds most to {atlas.predicted} after {atlas.after}. This is what it does in general: reads, "
        "stores, moves, and what is lost without it."
    )
    figures = dossier_figures(atlas.weights, atlas.main, roles=atlas.roles)
    return section("dossier", f"The dossier of {atlas.main}", told, figures)


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
    if atlas.supply is None:
        return f"{found} No single wire into its K explains that: no cut lowers the score by more than {number(FALL)}."
    return f"{found} {atlas.supply.sentence}"
