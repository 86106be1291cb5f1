"""Reads and writes circuits and rankings in the JSON format of MIB's circuit track (``Graph.to_json`` of EAP-IG).

MIB's edges are the live wires: embeddings and positions are one node ``input``, and biases have no edges. Node names
are ``input``, ``a0.h3``, ``m0`` and ``logits``. Edges are ``a0.h3->m1`` and ``input->a0.h3<q>``, each with ``score``
and ``in_graph``. Scores of neurons are not supported. Tests: tests/circuits/test_mib.py.
"""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from loadstore.atomic import write_whole
from loadstore.circuits.circuit import Circuit
from loadstore.circuits.digests import check_model, digest
from loadstore.circuits.live import Live, live
from loadstore.circuits.mib_names import edge_name, node_name, wire_named
from loadstore.errors import BadRequest, NoSuchWire, NotThisModel
from loadstore.jsonfile import json_object
from loadstore.model.opened import whole_mlps
from loadstore.model.weights import Weights
from loadstore.quote import quote
from loadstore.sites import EMBED, Reader, Writer
from loadstore.visible import dumps

if TYPE_CHECKING:
    import xarray as xr

Wire: TypeAlias = tuple[Writer, Reader]
REMEDY = "write it with Graph.to_json of EAP-IG or MIB, or with to_mib"
UNKNOWN = "not stated"


def to_mib(circuit: "Circuit | xr.Dataset", weights: Weights) -> dict[str, Any]:
    """Convert a circuit or a ranking to MIB's document.

    Args:
        circuit: A circuit, or a Dataset from ``ls.attribute``.
        weights: Its model.

    Returns:
        The document. In a ranking, every edge has its signed mean as score, and no edge is in the graph. In a circuit,
        the edges have their attributions, all others 0.

    Raises:
        NotThisModel: It is of another model.
    """
    whole_mlps(weights, "documents of MIB are")
    wires = live(weights)
    scores: dict[Wire, float] = {}
    inside: set[Wire] = set()
    if isinstance(circuit, Circuit):
        check_model(circuit.model, circuit.model_digest, weights)
        inside = set(circuit.wires)
        scores = {w: v if math.isfinite(v) else 0.0 for w, v in zip(circuit.wires, circuit.attributions, strict=True)}
    else:
        check_model(circuit.attrs["model"], circuit.attrs["model_digest"], weights)
        scores = dict(zip(_all(wires), circuit.signed.values.tolist(), strict=True))
    edges = {edge_name(*wire): {"score": scores.get(wire, 0.0), "in_graph": wire in inside} for wire in _all(wires)}
    nodes = {node_name(writer): {"in_graph": _is_used(writer, inside)} for writer in wires.writers}
    return {
        "cfg": _sizes(weights),
        "nodes": {**nodes, "logits": {"in_graph": True}},
        "edges": edges,
    }


def from_mib(document: dict[str, Any], weights: Weights, task: str = UNKNOWN) -> Circuit:
    """Read the edges that are in the graph as a circuit, the largest |score| first.

    Args:
        document: MIB's document.
        weights: The model that it belongs to.
        task: The name of the task; the document does not contain it.

    Raises:
        BadRequest: The document is not MIB's, has no edge in the graph, or has neurons.
        NotThisModel: Its sizes differ from those of the model.
        NoSuchWire: The model does not have one of the edges.
    """
    edges = _edges(document, weights)
    chosen = sorted((wire for wire, (_, inside) in edges.items() if inside), key=lambda wire: -abs(edges[wire][0]))
    if not chosen:
        raise BadRequest("no edge of the document is in the graph; read it as a ranking with ranking_from_mib")
    return Circuit(
        **_facts(weights, task),
        live=live(weights).count,
        wires=tuple(chosen),
        attributions=tuple(abs(edges[wire][0]) for wire in chosen),
        pairs=0,
        seed=0,
        by="signed",
    )


def ranking_from_mib(document: dict[str, Any], weights: Weights, task: str = UNKNOWN) -> "xr.Dataset":
    """Read the scores of all edges as a ranking, in the form of ``ls.attribute``; missing edges have 0.

    ``attribution`` is |score|, ``signed`` the score, ``standard_error`` NaN. Raises the errors of ``from_mib``.
    """
    import xarray as xr

    edges, every = _edges(document, weights), _all(live(weights))
    signed = np.array([edges.get(wire, (0.0, False))[0] for wire in every])
    return xr.Dataset(
        {
            "attribution": ("wire", np.abs(signed)),
            "signed": ("wire", signed),
            "standard_error": ("wire", np.full_like(signed, np.nan)),
        },
        coords={
            "writer": ("wire", np.array([str(writer) for writer, _ in every])),
            "reader": ("wire", np.array([str(reader) for _, reader in every])),
        },
        attrs={
            **_facts(weights, task),
            "bos": weights.begins,
            "one_norm_for_heads": sorted(live(weights).together),
            "definition": "|score| of MIB's document",
        },
    )


def write_mib(path: str | Path, circuit: "Circuit | xr.Dataset", weights: Weights) -> None:
    """Write ``to_mib`` as JSON, atomically. Raises BadRequest if the file cannot be written."""
    write_whole(Path(path), dumps(to_mib(circuit, weights)).encode())


def read_mib(path: str | Path) -> dict[str, Any]:
    """Read MIB's document from a JSON file of at most 64 MB. Raises BadCheckpoint for a file that is not JSON."""
    return json_object(Path(path), str(path), REMEDY)


def _all(wires: Live) -> list[Wire]:
    """All live wires, in depth order."""
    places: list[list[int]] = wires.exists.nonzero().tolist()
    return [(wires.writers[row], wires.readers[column]) for row, column in places]


def _is_used(writer: Writer, inside: set[Wire]) -> bool:
    stores = any(source == writer for source, _ in inside)
    loads = any(
        (reader.layer, reader.index) == (writer.layer, writer.index) and not reader.is_unembed for _, reader in inside
    )
    return stores and (loads or writer == EMBED)


def _sizes(weights: Weights) -> dict[str, int | bool]:
    shape = weights.architecture
    parallel = shape.mlp is not None and shape.mlp.parallel
    sizes = {"n_layers": shape.n_layers, "n_heads": shape.n_heads, "d_model": shape.d_model}
    return {**sizes, "parallel_attn_mlp": parallel}


def _facts(weights: Weights, task: str) -> dict[str, str]:
    return {
        **{"model": weights.name, "model_digest": digest(weights), "task": task, "metric": UNKNOWN},
        **{"method": "MIB's document", "ablation": "counterfactual", "norms": "free"},
    }


def _edges(document: dict[str, Any], weights: Weights) -> dict[Wire, tuple[float, bool]]:
    """The score of each edge, and whether it is in the graph, after validation."""
    cfg, nodes, edges = (document.get(name) for name in ("cfg", "nodes", "edges"))
    if not isinstance(cfg, dict) or not isinstance(nodes, dict) or not isinstance(edges, dict):
        raise BadRequest(f"the document is not MIB's: expected the objects cfg, nodes and edges; {REMEDY}")
    expected = _sizes(weights)
    for name, value in expected.items():
        if cfg.get(name) != value:
            raise NotThisModel(f"the document has {name} = {quote(repr(cfg.get(name)), 40)}, {weights.name} {value}")
    if any(isinstance(node, dict) and "neurons" in node for node in nodes.values()):
        raise BadRequest("the document selects single neurons, which wires cannot express; give one with whole edges")
    wires, read = live(weights), dict[Wire, tuple[float, bool]]()
    for name, edge in edges.items():
        writer, reader = wire_named(name)
        row, column = wires.place_of_writer.get(writer), wires.place_of_reader.get(reader)
        if row is None or column is None or not bool(wires.exists[row, column]):
            raise NoSuchWire(f"{quote(name, 40)} is not an edge of {weights.name}")
        score, inside = (edge.get("score"), edge.get("in_graph")) if isinstance(edge, dict) else (None, None)
        if isinstance(score, bool) or not isinstance(score, int | float) or not math.isfinite(score):
            raise BadRequest(f"{quote(name, 40)}: expected a finite number as score; {REMEDY}")
        if not isinstance(inside, bool):
            raise BadRequest(f"{quote(name, 40)}: expected true or false as in_graph; {REMEDY}")
        read[writer, reader] = float(score), inside
    return read
