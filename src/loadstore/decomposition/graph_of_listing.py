"""The graph of a listing: its steps at their tokens, and the parts of their loads."""

from collections.abc import Mapping
from functools import partial

from loadstore.decomposition.graph import MOST, Answer, Edge, Graph, Node, merged, strongest
from loadstore.decomposition.loads import Load
from loadstore.decomposition.program import Listing
from loadstore.sites import CONST, parse_writer


def listing_graph(listing: Listing, roles: Mapping[str, str] | None = None, top: int = MOST) -> Graph:
    """The loads of a listing as edges; an edge's share is its step's weight times its share of the step's load.

    Args:
        listing: The listing.
        roles: The roles of heads by their names.
        top: The maximum number of edges.
    """
    node = partial(_node, roles or {})
    answer = Node("answer", "answer", listing.at)
    edges = _edges(listing.target, answer, 1.0, "unembed", node)
    for step in listing.steps:
        for load in step.loads:
            reader = step.site if load.kind == "mlp" else f"{step.site}.{load.kind}"
            edges += _edges(load, node(step.site, step.at), step.weight, reader, node)
    steps = {node(step.site, step.at) for step in listing.steps}
    drawable = [edge for edge in merged(edges) if edge.source.kind in ("token", "position") or edge.source in steps]
    drawn, _ = strongest(drawable, top)
    return Graph(
        labels=tuple(listing.labels),
        answer=Answer(listing.text_of(listing.token), listing.probability),
        edges=tuple(sorted(drawn, key=lambda edge: -abs(edge.share))),
        left=len(edges) - len(drawn),
        unit="the weight of its step, times its share of the load",
    )


def _edges(load: Load, target: Node, weight: float, reader: str, node: "partial[Node]") -> list[Edge]:
    return [
        Edge(node(part.writer, part.token), target, load.kind, weight * part.share, ((part.writer, reader),))
        for part in load.parts
        if part.writer != CONST
    ]


def _node(roles: Mapping[str, str], writer: str, token: int) -> Node:
    site = parse_writer(writer)
    if site.kind == "embed":
        return Node("embed", "token", token)
    if site.kind in ("head", "mlp"):
        return Node(writer, site.kind, token, site.layer, roles.get(writer, ""))
    return Node(writer, "position", token)
