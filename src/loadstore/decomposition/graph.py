"""A circuit at the tokens of one prompt: writers and readers as nodes, loads as edges.

A node is a site, or several of one layer, at one token. An edge is a load: a reader took what a writer stored at a
token. The graph says nothing about where anything is drawn.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from loadstore.sites import Side

Kind: TypeAlias = Literal["token", "position", "head", "mlp", "answer"]
Port: TypeAlias = Side | Literal["mlp", "unembed"]
"""Through what a reader loads."""
MOST = 20  # edges that are drawn


@dataclass(frozen=True)
class Node:
    """Some sites of one layer at one token.

    Args:
        name: Their names, as in ``L1.H4,H10``.
        kind: What they are. A token is what the embedding stores.
        token: The index of the token.
        layer: The layer; of a band of MLPs the last. −1 for tokens and positions.
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
        source: The writers, at the token where they stored.
        target: The readers, at the token where they read.
        port: Through what they load.
        share: What the load carries, signed, as a share of the whole.
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
        probability: Of the token; None where there is no single one.
    """

    text: str
    probability: float | None = None


@dataclass(frozen=True)
class Graph:
    """What is drawn of a circuit at one prompt.

    Args:
        labels: The tokens with their indices.
        answer: What it leads to.
        edges: The loads that are drawn.
        left: How many weaker loads are not drawn.
        unit: What a share is a share of, in words.
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
        """All ends of edges, by depth and token."""
        ends = {end for edge in self.edges for end in (edge.source, edge.target)}
        return tuple(sorted(ends, key=lambda node: (*depth(node), node.token, node.name)))

    @property
    def wires(self) -> tuple[tuple[str, str], ...]:
        """The wires of all edges and within nodes, each once."""
        return tuple(dict.fromkeys([*(wire for edge in self.edges for wire in edge.wires), *self.inside]))


def depth(node: Node) -> tuple[int, int]:
    """When a node is computed: its layer, MLPs after heads, the answer last."""
    return (1 << 30, 0) if node.kind == "answer" else (node.layer, int(node.kind == "mlp"))


def strongest(edges: Iterable[Edge], most: int) -> tuple[list[Edge], int]:
    """The strongest edges that lead to the answer, at most so many, and how many are left.

    An edge is taken only after one that its target is the source of, so that no drawn load ends nowhere. Edges that
    carry less than a hundredth of the strongest are left too.
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
    """Edges between the same ends through the same port as one, with their shares added."""
    groups: dict[tuple[Node, Node, Port], list[Edge]] = {}
    for edge in edges:
        groups.setdefault((edge.source, edge.target, edge.port), []).append(edge)
    return [
        Edge(*ends, sum(edge.share for edge in group), tuple(wire for edge in group for wire in edge.wires))
        for ends, group in groups.items()
    ]
