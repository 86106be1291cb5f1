"""The graph of a circuit at one pair of prompts: attributions of its wires at the tokens where they are loaded.

A load through K or V belongs to the token that stored. Its head is drawn at the query token where the load matters
most: there, the attribution of the head's store, times its attention to the token, is largest.
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from loadstore.circuits.at_tokens import attributions_at_tokens
from loadstore.circuits.circuit import Circuit
from loadstore.circuits.context import Context, contexts
from loadstore.circuits.digests import check_model
from loadstore.circuits.groups import heads_name
from loadstore.circuits.pairs import Pairs
from loadstore.circuits.program import norms_of
from loadstore.decomposition.graph import MOST, Answer, Edge, Graph, Kind, Node, merged, strongest
from loadstore.errors import BadRequest
from loadstore.execution.run import run
from loadstore.model.opened import whole_mlps
from loadstore.sites import Head, Reader, Writer
from loadstore.tokenizer.tokens import labels, text_of

POINTS = 5
HEADS = 10  # groups of heads at a token


def pair_graph(
    circuit: Circuit,
    pairs: Pairs,
    index: int = 0,
    roles: Mapping[str, str] | None = None,
    top: int = MOST,
    heads: int = HEADS,
) -> Graph:
    """The strongest loads of a circuit for one pair.

    Args:
        circuit: The circuit.
        pairs: Pairs of a task.
        index: The index of the pair, from 0.
        roles: The roles of heads by their names; heads of one layer and role are drawn together.
        top: The maximum number of edges.
        heads: The maximum number of head nodes.

    Raises:
        BadRequest: There is no such pair.
        NotThisModel: The pairs are of another model.
    """
    whole_mlps(pairs.model, "a picture of a pair is drawn")
    if not 0 <= index < len(pairs):
        raise BadRequest(f"index={index}: there are pairs 0 to {len(pairs) - 1}")
    check_model(circuit.model, circuit.model_digest, pairs.model)
    (context,) = contexts(pairs.rows([index]), norms=norms_of(circuit))
    loads = _loads(circuit, context)
    groups = _Groups.of(loads, roles or {}, heads)
    edges = [edge for load in loads if (edge := groups.edge(load)) is not None]
    drawn, left = strongest(merged([edge for edge in edges if edge.source != edge.target]), top)
    nodes = {end for edge in drawn for end in (edge.source, edge.target)}
    inside = [wire for edge in edges if edge.source == edge.target and edge.source in nodes for wire in edge.wires]
    ids: list[int] = context.pairs.clean[0, : context.pairs.ends[0] + 1].tolist()
    return Graph(
        labels=tuple(labels(ids, pairs.model.tokens)),
        answer=_answer(context),
        edges=tuple(sorted(drawn, key=lambda edge: -abs(edge.share))),
        left=left,
        unit="the circuit's total |attribution| on this pair",
        inside=tuple(dict.fromkeys(inside)),
    )


@dataclass(frozen=True)
class _Load:
    """A wire with the token that stored and the token that read."""

    writer: Writer
    reader: Reader
    stored: int
    read: int
    share: float


def _loads(circuit: Circuit, context: Context) -> list[_Load]:
    live, end = context.live, context.pairs.ends[0]
    at_tokens = attributions_at_tokens(context, POINTS)[0, :, :, : end + 1].double().cpu().numpy()
    values = {
        (writer, reader): at_tokens[live.place_of_writer[writer], live.place_of_reader[reader]]
        for writer, reader in circuit.wires
    }
    whole = math.fsum(float(abs(row).sum()) for row in values.values()) or 1.0
    used: dict[Writer, np.ndarray] = defaultdict(lambda: np.zeros(end + 1))
    for (writer, _), row in values.items():
        used[writer] = used[writer] + abs(row)
    trace = run(context.weights, context.pairs.clean[0, : end + 1].tolist())
    loads: list[_Load] = []
    for (writer, reader), row in values.items():
        reads = np.arange(end + 1)
        if not reader.is_unembed and not reader.is_mlp and reader.head_side != "Q":
            head = Head(reader.layer, reader.index)
            pattern = trace.pattern(head).double().cpu().numpy()
            reads = (used[Writer("head", head.layer, head.index)][:, None] * pattern).argmax(0)
        for token in np.flatnonzero(row).tolist():
            loads.append(_Load(writer, reader, token, int(reads[token]), float(row[token]) / whole))
    return loads


@dataclass(frozen=True)
class _Groups:
    """The nodes that may be drawn: the strongest heads by layer and role, and the MLPs between them in bands."""

    heads: Mapping[tuple[int, int], tuple[str, str]]  # the name and the role of each head's group
    kept: frozenset[tuple[str, int]]  # groups at tokens
    bands: Mapping[int, tuple[int, str]]  # the last layer and the name of each MLP's band

    @staticmethod
    def of(loads: Sequence[_Load], roles: Mapping[str, str], most: int) -> "_Groups":
        members: dict[tuple[int, str], set[tuple[int, int]]] = defaultdict(set)
        for head in {head for load in loads for head, _ in _heads_of(load)}:
            members[head[0], roles.get(f"L{head[0]}.H{head[1]}", "")].add(head)
        heads = {
            head: (heads_name(heads_together), role)
            for (_, role), heads_together in members.items()
            for head in heads_together
        }
        strengths: dict[tuple[str, int], float] = defaultdict(float)
        layers: dict[str, int] = {}
        for load in loads:
            for head, token in _heads_of(load):
                strengths[heads[head][0], token] += abs(load.share)
                layers[heads[head][0]] = head[0]
        kept = sorted(strengths, key=lambda key: -strengths[key])[:most]
        mlps = {site.layer for load in loads for site in _mlps_of(load)}
        return _Groups(heads, frozenset(kept), _bands(mlps, {layers[name] for name, _ in kept}))

    def edge(self, load: _Load) -> Edge | None:
        """A load as an edge between two nodes; None if one of them is not drawn."""
        source, target = self._writer(load.writer, load.stored), self._reader(load.reader, load.read)
        if source is None or target is None:
            return None
        port = "unembed" if load.reader.is_unembed else "mlp" if load.reader.is_mlp else load.reader.head_side
        return Edge(source, target, port, load.share, ((str(load.writer), str(load.reader)),))

    def _writer(self, writer: Writer, token: int) -> Node | None:
        if writer.kind in ("head", "mlp"):
            return self._site(writer.kind, (writer.layer, writer.index), token)
        return Node(str(writer), "token" if writer.kind == "embed" else "position", token)

    def _reader(self, reader: Reader, token: int) -> Node | None:
        if reader.is_unembed:
            return Node("answer", "answer", token)
        return self._site("mlp" if reader.is_mlp else "head", (reader.layer, reader.index), token)

    def _site(self, kind: Kind, site: tuple[int, int], token: int) -> Node | None:
        if kind == "mlp":
            last, name = self.bands[site[0]]
            return Node(name, "mlp", token, last)
        name, role = self.heads[site]
        return Node(name, "head", token, site[0], role) if (name, token) in self.kept else None


def _heads_of(load: _Load) -> list[tuple[tuple[int, int], int]]:
    """The heads at both ends of a load, with their tokens."""
    ends = [((load.writer.layer, load.writer.index), load.stored)] if load.writer.kind == "head" else []
    if load.reader.is_unembed or load.reader.is_mlp:
        return ends
    return [*ends, ((load.reader.layer, load.reader.index), load.read)]


def _mlps_of(load: _Load) -> list[Writer | Reader]:
    ends: list[Writer | Reader] = [load.writer] if load.writer.kind == "mlp" else []
    return [*ends, load.reader] if load.reader.is_mlp else ends


def _bands(mlps: set[int], heads: set[int]) -> dict[int, tuple[int, str]]:
    """Put MLPs without a drawn head between them into one band."""
    bands: list[list[int]] = []
    for layer in sorted(mlps):
        if bands and not any(bands[-1][-1] < head <= layer for head in heads):
            bands[-1].append(layer)
        else:
            bands.append([layer])
    return {
        layer: (band[-1], f"L{layer}.mlp" if len(band) == 1 else f"L{band[0]}–L{band[-1]} MLPs")
        for band in bands
        for layer in band
    }


def _answer(context: Context) -> Answer:
    """The clean prompt's most likely token."""
    chances = context.clean[0].double().softmax(-1)
    token = int(chances.argmax())
    tokens = context.weights.tokens
    return Answer(text_of(token, tokens), float(chances[token]))
