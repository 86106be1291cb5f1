"""The program of a prediction, the address of each line, and its verification."""

from collections.abc import Callable
from typing import Any

from loadstore.circuits.program import roles_of
from loadstore.decomposition.listing import listing as program_of
from loadstore.decomposition.program import Listing, program
from loadstore.decomposition.single import one_prompt_index
from loadstore.errors import BadRequest
from loadstore.evidence.verdict import Verified
from loadstore.evidence.verify import verify as prove
from loadstore.explorer.question import last
from loadstore.explorer.requests import QuestionRequest, VerifyRequest
from loadstore.explorer.state import Document, Explorer
from loadstore.figures.prediction.listing import listing_figure
from loadstore.progress import Progress
from loadstore.sites import CONST, SIDES

STEPS = 24  # maximum steps of a program
CONTROLS, REPLICATES = 50, 32  # maxima


def listing(explorer: Explorer, ask: QuestionRequest) -> Document:
    """The program of the prediction after ``at``: for ``predict``, or else for the likeliest token.

    ``predict`` and ``against`` are ids or texts. Without ``against`` the logit is compared with the mean of all tokens.
    """
    return _document(explorer, _find(explorer, ask))


def verify(explorer: Explorer, ask: VerifyRequest) -> Callable[[Progress], Document]:
    """The same program with every load's largest wire cut, compared with controls and on other prompts."""
    controls = 20 if ask.controls is None else ask.controls
    replicates = 8 if ask.replicates is None else ask.replicates
    if not (1 <= controls <= CONTROLS and 2 <= replicates <= REPLICATES):
        raise BadRequest(f"controls: 1 to {CONTROLS}, replicates: 2 to {REPLICATES}; got {controls} and {replicates}")
    program_listing = _find(explorer, ask)
    return lambda progress: _document(
        explorer, prove(program_listing, controls=controls, replicates=replicates, progress=progress)
    )


def _find(explorer: Explorer, ask: QuestionRequest) -> Listing:
    trace = explorer.trace(ask.run)
    at = one_prompt_index(trace, last(trace) if ask.at is None else ask.at)
    return program_of(trace, at, predict=ask.predict, against=ask.against, top=STEPS)


def _document(explorer: Explorer, result: Listing | Verified) -> Document:
    shown = result.listing if isinstance(result, Verified) else result
    return {
        "at": shown.at,
        "token": {"id": shown.token, "text": shown.text_of(shown.token), "probability": shown.probability},
        "figure": listing_figure(result, roles=roles_of(explorer.weights)),
        "places": _places(shown),
        "checks": None if not isinstance(result, Verified) else {"verified": result.count, "of": len(result.checks)},
    }


def _places(listing: Listing) -> list[dict[str, Any] | None]:
    """For every line of the program, its address; for a store, the store; None if it has neither."""
    places: list[dict[str, Any] | None] = []
    steps = iter(listing.steps)
    here = None
    for line in program(listing):
        if line.site and line.site != "unembed":
            here = next(steps)
        head = here is not None and not here.site.endswith("mlp")
        if here is None or not line.op:
            places.append(None)
        elif line.op == "STORE":
            places.append({"screen": "memory", "from": here.site, "token": here.at})
        elif not head:
            places.append(None)
        else:
            side = line.op.removeprefix("LOAD.") if line.op.removeprefix("LOAD.") in SIDES else None
            cell = next((cell for _, cell in line.parts if cell is not None and cell[0] != CONST), None)
            writer = cell[0] if cell is not None and side is not None else None
            places.append({"screen": "address", "head": here.site, "token": here.at, "side": side, "from": writer})
    return places
