"""The sizes of nodes' boxes and of token columns in a graph's picture."""

from collections import defaultdict
from collections.abc import Sequence

from loadstore.decomposition.graph import Graph, Node, depth
from loadstore.views.picture import Token

CHARACTER, SMALL = 7.3, 6.1  # widths of a monospaced character: names and tokens, and roles
LINE, ROLE = 15.0, 13.0  # heights of a line
GAP, EDGE = 12.0, 14.0
LONGEST = 15  # maximum characters in a line of a name


def lanes(graph: Graph, nodes: Sequence[Node]) -> tuple[float, float]:
    """The widths of heads and of MLPs side by side at one token."""
    widths: dict[str, dict[tuple[int, int], float]] = {"head": defaultdict(float), "mlp": defaultdict(float)}
    for node in nodes:
        if node.kind in widths:
            widths[node.kind][depth(node)] += size_of(graph, node)[0] + GAP
    return max(widths["head"].values(), default=0.0), max(widths["mlp"].values(), default=0.0)


def columns(
    labels: Sequence[str], used: set[int], room: dict[int, float], least: int
) -> tuple[list[Token], dict[int, float], float]:
    """The tokens, the middles of their columns and the width; runs of at least ``least`` unused tokens are folded."""
    tokens: list[Token] = []
    middles: dict[int, float] = {}
    x, index = EDGE, 0
    while index < len(labels):
        run = next((j for j in range(index, len(labels)) if j in used), len(labels)) - index
        folded = run >= least
        text = f"⋯ {run} ⋯" if folded else labels[index]
        wide = max(len(text) * CHARACTER + GAP, room.get(index, 0.0))
        middles[index] = x + wide / 2
        tokens.append(Token(text=text, at=(rounded(middles[index]), 0), folded=folded, used=index in used))
        x += wide
        index += run if folded else 1
    return tokens, middles, x + EDGE


def lines_of(graph: Graph, node: Node) -> tuple[str, ...]:
    """The lines of text in a node's box; a long name breaks after a comma or a space."""
    if node.kind == "answer":
        chance = graph.answer.probability
        return (graph.answer.text,) if chance is None else (graph.answer.text, f"p {chance:.2f}".replace("0.", "."))
    lines = [""]
    for part in node.name.replace(",", ",\0").replace(" ", " \0").split("\0"):
        if lines[-1] and len(lines[-1] + part) > LONGEST:
            lines.append("")
        lines[-1] += part
    return tuple(line.strip() for line in lines)


def size_of(graph: Graph, node: Node) -> tuple[float, float]:
    """The width and the height of a node's box."""
    lines = lines_of(graph, node)
    wide = max(*(len(line) * CHARACTER for line in lines), len(node.role) * SMALL, 22.0)
    return wide + 14, LINE * len(lines) + (ROLE if node.role else 0.0) + 7


def rounded(number: float) -> float:
    """A coordinate in the picture, rounded to a tenth of a pixel."""
    return round(number, 1)
