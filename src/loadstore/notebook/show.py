"""``show``: displays any result of this package, or attention patterns of another tool, in a notebook."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from loadstore.causal.effect import Outcome
from loadstore.circuits.circuit import Circuit
from loadstore.circuits.program import roles_of
from loadstore.circuits.program_text import program_of
from loadstore.circuits.proof import Proof
from loadstore.circuits.task import Task
from loadstore.decomposition.address import Address
from loadstore.decomposition.program import Listing
from loadstore.decomposition.walk import Walk
from loadstore.errors import BadRequest
from loadstore.evidence.head_facts import Dossier
from loadstore.evidence.verdict import Verified
from loadstore.execution.trace import Trace
from loadstore.figures.changes import outcome_figure
from loadstore.figures.circuits.found import circuit_figure, task_figure
from loadstore.figures.circuits.measured import proof_figure
from loadstore.figures.heads.dossier import figures_of
from loadstore.figures.heads.foreign import foreign_patterns
from loadstore.figures.heads.patterns import trace_figure
from loadstore.figures.heads.verdict import summary
from loadstore.figures.labelled import labelled_figures
from loadstore.figures.memory import lifetimes_figure, map_figure, reach_figure
from loadstore.figures.picture.pictured import Pictured
from loadstore.figures.prediction.address import address_figure
from loadstore.figures.prediction.listing import listing_figure
from loadstore.figures.prediction.walk import walk_figure
from loadstore.memory.lifetimes_value import Lifetimes
from loadstore.memory.map_value import MemoryMap
from loadstore.memory.reach_value import Reach
from loadstore.notebook.shown import Shown
from loadstore.views.base import Value, plain
from loadstore.views.figures import Page, Section
from loadstore.views.model import Figure, figure

WANTED = (
    "a labelled result (subspace_scores, spectrum, head_roles, copying …), a trace, an address, a walk, a listing, "
    "a picture, an effect, a task, a circuit, its proof, a memory map, lifetimes, reach, a dossier, "
    "a figure or page document, or a list of token strings with patterns"
)


def show(result: Any, patterns: Any = None, *, names: Sequence[str] | None = None, title: str = "") -> Shown:
    """Draw a result: a notebook displays the value, ``.save("x.html")`` writes it, and ``.html`` is the page.

    Args:
        result: Any result, a trace, a model; or a list of token strings for ``patterns``.
        patterns: Attention patterns of any tool, [query, key], [head, query, key] or [layer, head, query, key], as a
            list, array or tensor of weights from 0 to 1; they are not rescaled.
        names: The names of the heads of ``patterns``.
        title: A title.

    Returns:
        The page.

    Raises:
        BadRequest: The value cannot be shown; the message lists the supported types.

    Example:
        >>> import loadstore as ls
        >>> model = ls.load("builtin")
        >>> shown = ls.show(ls.spectrum(model, "pos"))
        >>> shown.html.startswith("<")
        True
    """
    result = plain(result) if _views(result) else result
    if patterns is not None:
        drawn = _Drawn("Attention patterns", [foreign_patterns(result, patterns, names)])
    elif names is not None:
        raise BadRequest("names= belong to patterns: show(tokens, patterns, names=[…])")
    elif isinstance(result, Shown):
        return result
    elif isinstance(result, dict) and result.get("schema") == "loadstore/page@1":
        return Shown(result)
    else:
        drawn = _drawn(result)
    figures = [plain(shown) for shown in drawn.figures]
    if title and len(figures) == 1:
        figures = [figures[0] | {"title": title}]
    return Shown(_page(title or drawn.title, figures))


def _views(result: Any) -> bool:
    """Whether this is a view, figure or page, or a list of them."""
    return isinstance(result, Value) or (
        isinstance(result, list) and bool(result) and all(isinstance(part, Value) for part in result)
    )


@dataclass(frozen=True)
class _Drawn:
    title: str
    figures: Sequence[Figure | dict[str, Any]]


def _drawn(result: Any) -> _Drawn:
    if isinstance(result, Trace):
        return _Drawn(f"{result.weights.name}: patterns", [trace_figure(result)])
    if isinstance(result, Address):
        return _Drawn(f"{result.head} at {result.labels[result.at]}", [address_figure(result)])
    if isinstance(result, Walk):
        return _Drawn(str(result.address.head), [address_figure(result.address), walk_figure(result)])
    if isinstance(result, Listing | Verified):
        weights = (result.listing if isinstance(result, Verified) else result).trace.weights
        drawn = listing_figure(result, roles=roles_of(weights))
        return _Drawn(drawn.title, [drawn])
    if isinstance(result, Pictured):
        return _of_documents([plain(result.view)])
    if isinstance(result, Task):
        return _Drawn(f"{result.model.name}: {result.name}", [task_figure(result)])
    if isinstance(result, Circuit):
        return _Drawn(
            f"{result.model}: {result.task}",
            [circuit_figure(result, program_of(result.wires, result.attributions), None, None)],
        )
    if isinstance(result, Proof):
        return _Drawn(f"{result.facts['model']}: proof of {result.facts['task']}", [proof_figure(result)])
    if isinstance(result, MemoryMap | Lifetimes | Reach):
        return _of_memory(result)
    if isinstance(result, Outcome):
        return _Drawn(result.metric, [outcome_figure(result)])
    if isinstance(result, Dossier):
        return _Drawn(summary(result), figures_of(result))
    if isinstance(result, dict) and str(result.get("schema", "")).startswith("loadstore/"):
        return _of_documents([result])
    if isinstance(result, list) and result and all(isinstance(part, dict) and "schema" in part for part in result):
        return _of_documents(result)
    if (labelled := labelled_figures(result)) is not None:
        return _Drawn(*labelled)
    raise BadRequest(f"a {type(result).__name__} cannot be shown; give {WANTED}")


def _of_memory(result: MemoryMap | Lifetimes | Reach) -> _Drawn:
    if isinstance(result, MemoryMap):
        drawn = map_figure(result)
    else:
        drawn = lifetimes_figure(result) if isinstance(result, Lifetimes) else reach_figure(result)
    return _Drawn(drawn.title, [drawn])


def _of_documents(documents: list[dict[str, Any]]) -> _Drawn:
    """Figures unchanged; each single view in a figure of its own."""
    figures = [
        part
        if part["schema"] == "loadstore/figure@1"
        else plain(figure(f"View {index}", part.get("title", ""), "", ())) | {"views": [part]}
        for index, part in enumerate(documents, 1)
    ]
    return _Drawn(str(figures[0]["title"]), figures)


def _page(title: str, figures: list[Any]) -> dict[str, Any]:
    section = Section(id="shown", title=title, lead="", figures=tuple(figures))
    return plain(
        Page(title=title, lead="", prompt="", tokens=(), facts=(), sections=(section,), footer=(), compact=True)
    )
