"""The layout of a graph: tokens in a row, a row for each layer above, arcs upwards to the readers."""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from loadstore.decomposition.graph import Edge, Graph, Node, depth
from loadstore.figures.picture.boxes import EDGE, GAP, columns, lanes, lines_of, rounded, size_of
from loadstore.views.picture import Arc, Cut, Picture, Place, SiteBox, Token

ROW = 62.0
WIDE = 1000.0  # up to this width, every token is written out
FOLDED = 3  # minimum length of a run of unused tokens that is folded
THIN, THICK = 1.2, 6.5
BOWS = (0.0, 26.0, -26.0, 55.0, -55.0, 90.0, -90.0)  # sideways, tried in this order
POINTS = 24  # of a line, to check whether it runs behind a mark
Box: TypeAlias = tuple[float, float, float, float]
Curve: TypeAlias = tuple[Place, Place, Place, Place]


def picture(graph: Graph, title: str, notes: Sequence[str], cuts: Sequence[Cut] = ()) -> Picture:
    """Lay a graph out.

    Args:
        graph: The graph.
        title: Its title.
        notes: Sentences on its content and on the loads left out.
        cuts: Measured cuts; an arc is the edge with its index.
    """
    plan = _Plan.of(graph)
    largest = max((abs(edge.share) for edge in graph.edges), default=1.0)
    marks = [plan.mark(node) for node in graph.nodes if node.kind in ("head", "mlp", "answer")]
    return Picture(
        title=title,
        width=plan.width,
        height=plan.height,
        tokens=plan.tokens,
        marks=tuple(marks),
        arcs=tuple(plan.arc(edge, largest) for edge in graph.edges),
        unit=graph.unit,
        notes=tuple(notes),
        cuts=tuple(cuts),
    )


@dataclass(frozen=True)
class _Plan:
    """Places of tokens and boxes of nodes."""

    graph: Graph
    width: float
    height: float
    tokens: tuple[Token, ...]
    boxes: dict[Node, Box]

    @staticmethod
    def of(graph: Graph) -> "_Plan":
        nodes = graph.nodes
        above = [node for node in nodes if node.kind not in ("token", "position")]
        rows = {key: row for row, key in enumerate(sorted({depth(node) for node in above}))}
        cells: dict[tuple[int, int], list[Node]] = defaultdict(list)
        for node in above:
            cells[node.token, rows[depth(node)]].append(node)
        widths = {token: lanes(graph, [node for node in above if node.token == token]) for token, _ in cells}
        room = {token: sum(lane) + 2 * GAP for token, lane in widths.items()}
        used = {node.token for node in nodes}
        whole = columns(graph.labels, used, room, len(graph.labels) + 1)
        fits = whole[2] <= WIDE and len(used) > 1  # loads at one token do not need a row for the others
        tokens, middles, width = whole if fits else columns(graph.labels, used, room, FOLDED)
        height = EDGE + ROW * (len(rows) + 1)
        boxes: dict[Node, Box] = {}
        for (token, row), members in cells.items():
            heads, mlps = widths[token]
            left = middles[token] - (heads + mlps) / 2
            for lane, start, wide in (
                ("head", left, heads),
                ("mlp", left + heads, mlps),
                ("answer", left, heads + mlps),
            ):
                sizes = [(node, *size_of(graph, node)) for node in members if node.kind == lane]
                at = start + (wide - sum(size[1] for size in sizes) - GAP * (len(sizes) - 1)) / 2
                for node, across, high in sizes:
                    boxes[node] = (at, height - ROW * (row + 1) - high - EDGE, across, high)
                    at += across + GAP
        for node in nodes:
            if node not in boxes:
                boxes[node] = (middles[node.token], height - 32, 0.0, 20.0)
        lowered = tuple(Token(text=t.text, at=(t.at[0], height - 14), folded=t.folded, used=t.used) for t in tokens)
        right = max([width, *(x + w + EDGE for x, _, w, _ in boxes.values())])
        return _Plan(graph, rounded(right + EDGE), rounded(height), lowered, boxes)

    def mark(self, node: Node) -> SiteBox:
        lines = lines_of(self.graph, node)
        kind = "answer" if node.kind == "answer" else "mlp" if node.kind == "mlp" else "head"
        left, top, width, height = map(rounded, self.boxes[node])
        return SiteBox(
            name=" ".join(lines) if node.kind == "answer" else node.name,
            lines=lines,
            role=node.role,
            kind=kind,
            token=self.graph.labels[node.token],
            box=(left, top, width, height),
        )

    def arc(self, edge: Edge, largest: float) -> Arc:
        start, end = self._start(edge), self._end(edge)
        path = min((_curve(start, end, bow) for bow in BOWS), key=lambda curve: self._behind(edge, curve))
        angle = math.degrees(math.atan2(end[1] - path[2][1], end[0] - path[2][0]))
        return Arc(
            source=self._named(edge.source),
            target=self._named(edge.target),
            port=edge.port if edge.port in ("Q", "K", "V") else "",
            share=edge.share,
            wires=len(edge.wires),
            path="M{} {}C{} {} {} {} {} {}".format(*(rounded(number) for point in path for number in point)),
            width=rounded(THIN + (THICK - THIN) * abs(edge.share) / largest),
            tip=(rounded(end[0]), rounded(end[1]), rounded(angle)),
            letter=(rounded(end[0]), rounded(end[1] + 15)),
            positions=edge.source.kind == "position",
        )

    def _named(self, node: Node) -> str:
        label = self.graph.labels[node.token]
        if node.kind == "answer":
            return f"the answer after {label}"
        return label if node.kind == "token" else f"{node.name} at {label}"

    def _start(self, edge: Edge) -> Place:
        left, top, width, _ = self.boxes[edge.source]
        shift = 7.0 if edge.source.kind == "position" else 0.0
        return left + width / 2 + shift, top

    def _end(self, edge: Edge) -> Place:
        left, top, width, height = self.boxes[edge.target]
        across = {"K": 0.2, "V": 0.5, "Q": 0.8}.get(edge.port, 0.5)
        return left + across * width, top + height + 3

    def _behind(self, edge: Edge, curve: Curve) -> int:
        """The number of sampled points of a line that lie behind other nodes' marks."""
        boxes = [box for node, box in self.boxes.items() if node not in (edge.source, edge.target)]
        points = [_point(curve, step / POINTS) for step in range(1, POINTS)]
        return sum(
            left - 3 < x < left + width + 3 and top - 2 < y < top + height + 2
            for x, y in points
            for left, top, width, height in boxes
        )


def _curve(start: Place, end: Place, bow: float) -> Curve:
    """A curve that leaves and arrives upwards, bowed sideways."""
    (x, y), (to_x, to_y) = start, end
    rise = max(y - to_y, 24.0)
    return start, (x + bow, y - 0.55 * rise), (to_x + bow / 2, to_y + 0.55 * rise), end


def _point(curve: Curve, t: float) -> Place:
    shares = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
    return (
        sum(share * point[0] for share, point in zip(shares, curve, strict=True)),
        sum(share * point[1] for share, point in zip(shares, curve, strict=True)),
    )
