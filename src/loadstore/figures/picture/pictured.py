"""``picture``: draws a circuit, a listing or its proof, with the faithfulness of exactly the wires drawn."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loadstore.atomic import write_whole
from loadstore.circuits.circuit import Circuit, mask_of
from loadstore.circuits.graph_of_pair import pair_graph
from loadstore.circuits.measured import Measured, measured
from loadstore.circuits.pairs import Pairs
from loadstore.circuits.program import norms_of, roles_of
from loadstore.decomposition.graph import MOST, Graph
from loadstore.decomposition.graph_of_listing import listing_graph
from loadstore.decomposition.program import Listing
from loadstore.decomposition.short import short
from loadstore.errors import BadRequest
from loadstore.evidence.verdict import Verified
from loadstore.evidence.whole import Whole
from loadstore.figures.picture.cuts import cuts_of
from loadstore.figures.picture.layout import picture as laid_out
from loadstore.figures.picture.svg import svg
from loadstore.sites import parse_reader, parse_writer
from loadstore.views.picture import Picture


@dataclass(frozen=True, eq=False)
class Pictured:
    """A drawing: a notebook displays it, ``save`` writes it as SVG, ``ls.show`` makes it a page.

    Args:
        graph: The graph in the drawing, with its wires.
        view: The drawing.
        faithfulness: F of exactly the wires drawn; None if it was not measured.
    """

    graph: Graph
    view: Picture
    faithfulness: float | None

    @property
    def wires(self) -> tuple[tuple[str, str], ...]:
        """The writer and the reader of every wire drawn."""
        return self.graph.wires

    @property
    def svg(self) -> str:
        """The drawing as SVG."""
        return svg(self.view)

    def save(self, path: str | Path) -> Path:
        """Write the drawing as SVG, atomically. Raises BadRequest if it cannot be written."""
        write_whole(Path(path), self.svg.encode())
        return Path(path)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"image/svg+xml": self.svg, "text/plain": repr(self)}

    def __repr__(self) -> str:
        return "\n".join([self.view.title, *(f"  {note}" for note in self.view.notes)])


def picture(
    result: Circuit | Listing | Verified,
    on: Pairs | Measured | None = None,
    *,
    roles: Mapping[str, str] | None = None,
    index: int = 0,
    top: int = MOST,
) -> Pictured:
    """Draw which reader loads from which writer, from the tokens up to the answer.

    Args:
        result: A circuit, a listing, or a listing that ``ls.verify`` measured.
        on: For a circuit, pairs of its task, such as ``task.judge``: one of them is drawn, and F is measured on all.
        index: The index of the pair to draw, from 0.
        top: The maximum number of loads.
        roles: The roles of heads by their names; measured on random repeats if None.

    Returns:
        The drawing. Its notes state the number of loads left out and, if measured, F of exactly the wires drawn.

    Raises:
        BadRequest: A circuit is given without pairs, or there is no such pair.
        NotThisModel: The pairs are of another model.

    Example:
        >>> import loadstore as ls
        >>> trace = ls.run(ls.load("builtin"), "the cat sat on the mat. the dog sat")
        >>> drawn = ls.picture(ls.listing(trace, predict=" on"), top=10)
        >>> "<svg" in drawn.svg
        True
    """
    if top < 1:
        raise BadRequest(f"top={top}: expected at least one load")
    if isinstance(result, Circuit):
        if on is None:
            raise BadRequest("a circuit is drawn on a pair of its task: give on=task.judge")
        return _of_circuit(result, on, index, top, roles)
    listing, proof = (result.listing, result) if isinstance(result, Verified) else (result, None)
    known_roles = roles_of(listing.trace.weights) if roles is None else roles
    return picture_of_listing(listing, known_roles, proof, None if proof is None else proof.whole, top)


def picture_of_listing(
    listing: Listing,
    roles: Mapping[str, str],
    proof: Verified | None = None,
    whole: Whole | None = None,
    top: int = MOST,
) -> Pictured:
    """Draw a listing, with the cuts of its proof.

    Args:
        listing: The listing.
        roles: The roles of heads by their names.
        proof: The result of ``ls.verify`` for it, if any.
        whole: The result for all its wires together.
        top: The maximum number of loads. F is known only for the default number.
    """
    graph = listing_graph(listing, roles, top)
    title = f"How {listing.text_of(listing.token)} is predicted after {listing.labels[listing.at]}"
    if whole is None or top != MOST:
        measured_text = "Shares are estimated by attribution, and the faithfulness of these wires is not measured."
    else:
        measured_text = (
            f"F of exactly these {whole.drawn_wires} wires: {short(whole.drawn_sufficiency)}; of the whole listing's "
            f"{whole.wires}: {short(whole.sufficiency)}. All other wires carry {whole.replaced}."
        )
    return Pictured(
        graph,
        laid_out(graph, title, [_left(graph), measured_text], () if proof is None else cuts_of(proof, graph)),
        None if whole is None or top != MOST else whole.drawn_sufficiency,
    )


def _of_circuit(
    circuit: Circuit, on: Pairs | Measured, index: int, top: int, roles: Mapping[str, str] | None
) -> Pictured:
    if isinstance(on, Pairs):
        on = measured(on, "mean" if circuit.ablation == "mean" else "counterfactual", norms_of(circuit))
    graph = pair_graph(circuit, on.pairs, index, roles_of(on.pairs.model) if roles is None else roles, top)
    wires = [(parse_writer(writer), parse_reader(reader)) for writer, reader in graph.wires]
    drawn, whole = (on.faithfulness(mask_of(on.live, chosen)) for chosen in (wires, circuit.wires))
    said = (
        f"F of exactly these {len(wires):,} wires on {len(on.pairs)} pairs: {short(drawn)}; of the circuit's "
        f"{len(circuit):,}: {short(whole)}."
    )
    title = f"{circuit.task} in {circuit.model}, pair {index}"
    return Pictured(graph, laid_out(graph, title, [_left(graph), said, _prompts(on.pairs, index)]), drawn)


def _prompts(pairs: Pairs, index: int) -> str:
    """Both prompts of a pair, up to their last token."""
    clean, other = (
        _text(pairs, ids[index, : pairs.ends[index] + 1].tolist()) for ids in (pairs.clean, pairs.counterfactual)
    )
    return f"The prompt: “{clean}”. The counterfactual: “{other}”."


def _text(pairs: Pairs, ids: list[int]) -> str:
    tokens = pairs.model.tokens
    return " ".join(f"#{each}" for each in ids) if tokens is None else "".join(map(tokens.text, ids)).strip()


def _left(graph: Graph) -> str:
    """The number of loads left out."""
    weaker = f" {graph.left:,} weaker loads are left out." if graph.left else ""
    return f"Drawn: {len(graph.edges)} loads, each as a share of {graph.unit}.{weaker}"
