"""A circuit at the tokens of one prompt, as a graph: writers and readers are nodes, loads are edges.

A node is one site, or several of one layer, at one token. An edge is a load: a reader loaded a writer's store at a
token. The graph does not define a layout.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from loadstore.sites import Side

Kind: TypeAlias = Literal["token", "position", "head", "mlp", "answer"]
Port: TypeAlias = Side | Literal["mlp", "unembed"]
"""The kind of input through which a reader loads."""
MOST = 20  # edges to draw


@dataclass(frozen=True)
class Node:
    """Some sites of one layer at one token.

    Args:
        name: Their names, as in ``L1.H4,H10``.
        kind: Their kind; ``token`` is the store of the embedding.
        token: The index of the token.
        layer: The layer; for a band of MLPs, the last one. −1 for tokens and positions.
        role: The role of a head, or "".
    """

    name: str
    kind: Kind
    token: int
    layer: int = -1
    role: str = ""


@dataclass(frozen=True)
class Edge:
    """One load.

    Args:
        source: The writers, at the token at which they store.
        target: The readers, at the token at which they read.
        port: The input of the reader.
        share: The signed share of the whole that the load carries.
        wires: Names of the writer and the reader of each wire in it.
    """

    source: Node
    target: Node
    port: Port
    share: float
    wires: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Answer:
    """The prediction that the graph leads to.

    Args:
        text: The token, or the metric in words.
        probability: The token's probability; None if there is no single token.
    """

    text: str
    probability: float | None = None


@dataclass(frozen=True)
class Graph:
    """The drawn part of a circuit at one prompt.

    Args:
        labels: The tokens with their indices.
        answer: The prediction that it leads to.
        edges: The loads that are drawn.
        left: How many weaker loads are omitted.
        unit: The whole that shares refer to, in words.
        inside: Wires within a node: between MLPs of one band.
    """

    labels: tuple[str, ...]
    answer: Answer
    edges: tuple[Edge, ...]
    left: int
    unit: str
    inside: tuple[tuple[str, str], ...] = ()

    @property
    def nodes(self) -> tuple[Node, ...]:
        """All ends of edges, sorted by depth and token."""
        ends = {end for edge in self.edges for end in (edge.source, edge.target)}
        return tuple(sorted(ends, key=lambda node: (*depth(node), node.token, node.name)))

    @property
    def wires(self) -> tuple[tuple[str, str], ...]:
        """The distinct wires of all edges and within nodes."""
        return tuple(dict.fromkeys([*(wire for edge in self.edges for wire in edge.wires), *self.inside]))


def depth(node: Node) -> tuple[int, int]:
    """The sort key of a node's depth: its layer, MLPs after heads, the answer last."""
    return (1 << 30, 0) if node.kind == "answer" else (node.layer, int(node.kind == "mlp"))


def strongest(edges: Iterable[Edge], most: int) -> tuple[list[Edge], int]:
    """The strongest edges that lead to the answer, at most ``most``, and the number of omitted edges.

    An edge is taken only after an edge that continues from its target, so every drawn load leads to the answer. Edges
    below a hundredth of the strongest are omitted too.
    """
    waiting: dict[Node, list[Edge]] = {}
    for edge in edges:
        waiting.setdefault(edge.target, []).append(edge)
    every = sum(map(len, waiting.values()))
    front = [edge for target, group in waiting.items() if target.kind == "answer" for edge in group]
    reached, taken = {edge.target for edge in front}, list[Edge]()
    largest = max((abs(edge.share) for group in waiting.values() for edge in group), default=0.0)
    while front and len(taken) < most:
        best = max(front, key=lambda edge: abs(edge.share))
        if abs(best.share) < largest / 100:
            break
        front.remove(best)
        taken.append(best)
        if best.source not in reached:
            reached.add(best.source)
            front += waiting.get(best.source, [])
    return taken, every - len(taken)


def merged(edges: Sequence[Edge]) -> list[Edge]:
    """Combine edges between the same ends through the same port, adding their shares."""
    groups: dict[tuple[Node, Node, Port], list[Edge]] = {}
    for edge in edges:
        groups.setdefault((edge.source, edge.target, edge.port), []).append(edge)
    return [
        Edge(*ends, sum(edge.share for edge in group), tuple(wire for edge in group for wire in edge.wires))
        for ends, group in groups.items()
    ]
