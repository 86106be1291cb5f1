"""A circuit at one pair of prompts as an attribution graph for Neuronpedia's viewer and circuit-tracer.

A node is a site at a token; its ``clerp`` is its name. A link's weight is the signed share of its wires in the
circuit's attribution on this pair. Nodes are heads and MLPs, not features of a transcoder, so the viewer has no
examples for them. The format: ``metadata``, ``qParams``, ``nodes``, ``links``, as in circuit-tracer's
``frontend/graph_models.py``. Tests: tests/circuits/test_viewer.py.
"""

import re
from collections.abc import Mapping
from typing import Any

from loadstore.circuits.circuit import Circuit
from loadstore.circuits.graph_of_pair import pair_graph
from loadstore.circuits.pairs import Pairs
from loadstore.decomposition.graph import Graph, Node
from loadstore.sites import Head, Reader, Writer
from loadstore.tokenizer.tokens import text_of

LINKS = 200  # maximum number
KINDS = {"token": "embedding", "position": "embedding", "answer": "logit"}
PART = "cross layer transcoder"  # the feature type that viewers draw within a layer


def viewer_graph(
    circuit: Circuit, pairs: Pairs, index: int = 0, roles: Mapping[str, str] | None = None, top: int = LINKS
) -> dict[str, Any]:
    """Return a circuit at one pair as the document of an attribution graph.

    Args:
        circuit: The circuit.
        pairs: Pairs of its task.
        index: The index of the pair, from 0.
        roles: The roles of heads by their names: heads of one layer and role share a node. If None, every head has its
            own node.
        top: The maximum number of links, strongest first.

    Raises:
        BadRequest: There is no such pair.
        NotThisModel: The pairs are of another model.
    """
    alone = {str(site): str(site) for wire in circuit.wires for site in _heads(*wire)}
    graph = pair_graph(circuit, pairs, index, alone if roles is None else roles, top, heads=top)
    ids: list[int] = pairs.clean[index, : len(graph.labels)].tolist()
    nodes = dict.fromkeys(end for edge in graph.edges for end in (edge.source, edge.target))
    names = {node: _id(node, index, ids, pairs) for index, node in enumerate(nodes)}
    tokenizer = pairs.model.tokens
    return {
        "metadata": {
            "slug": re.sub(r"[^a-z0-9]+", "-", f"{circuit.task} {circuit.model} {index}".lower()).strip("-"),
            "scan": circuit.model,
            "transcoder_list": [],
            "prompt_tokens": [text_of(token, tokenizer) for token in ids],
            "prompt": " ".join(map(str, ids)) if tokenizer is None else tokenizer.joined(ids),
            "schema_version": 1,
        },
        "qParams": {"pinnedIds": [], "supernodes": [], "linkType": "both", "clickedId": "", "sg_pos": ""},
        "nodes": [_node(node, names[node], graph, pairs) for node in nodes],
        "links": _links(graph, names),
    }


def _links(graph: Graph, names: Mapping[Node, str]) -> list[dict[str, Any]]:
    """One link for all loads between two nodes, summed over Q, K and V; strongest first."""
    weights: dict[tuple[str, str], float] = {}
    for edge in graph.edges:
        ends = names[edge.source], names[edge.target]
        weights[ends] = weights.get(ends, 0.0) + edge.share
    ranked = sorted(weights.items(), key=lambda link: -abs(link[1]))
    return [{"source": source, "target": target, "weight": weight} for (source, target), weight in ranked]


def _heads(writer: Writer, reader: Reader) -> list[Head]:
    """The heads at the ends of a wire."""
    ends = [(writer.layer, writer.index)] if writer.kind == "head" else []
    ends += [] if reader.is_unembed or reader.is_mlp else [(reader.layer, reader.index)]
    return [Head(*end) for end in ends]


def _layer(node: Node, pairs: Pairs) -> str:
    if node.kind == "answer":
        return str(pairs.model.architecture.n_layers + 1)
    return "E" if node.kind in KINDS else str(node.layer)


def _id(node: Node, index: int, ids: list[int], pairs: Pairs) -> str:
    """Layer, number and token; the number is an id for tokens, ``vocab`` for positions, and otherwise ``index``."""
    vocab = pairs.model.architecture.vocab
    number = ids[node.token] if node.kind == "token" else vocab if node.kind == "position" else index
    return f"{_layer(node, pairs)}_{number}_{node.token}"


def _node(node: Node, name: str, graph: Graph, pairs: Pairs) -> dict[str, Any]:
    answer = node.kind == "answer"
    text = (
        f"Output {graph.answer.text}"
        if answer
        else node.name
        if node.role in ("", node.name)
        else f"{node.name} ({node.role})"
    )
    return {
        "node_id": name,
        "jsNodeId": name,
        "feature": int(name.split("_")[1]),
        "layer": _layer(node, pairs),
        "ctx_idx": node.token,
        "reverse_ctx_idx": len(graph.labels) - 1 - node.token,
        "run_idx": 0,
        "feature_type": KINDS.get(node.kind, PART),
        "token_prob": (graph.answer.probability or 0.0) if answer else 0.0,
        "is_target_logit": answer,
        "clerp": f"{graph.labels[node.token]}: {text}" if node.kind in ("token", "position") else text,
    }
