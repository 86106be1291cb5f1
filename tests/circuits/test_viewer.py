"""A circuit as an attribution graph: the fields of circuit-tracer's format, and shares as weights of its links."""

import pytest
from jsonschema import Draft7Validator

import loadstore as ls
from loadstore.circuits.graph_of_pair import pair_graph
from loadstore.circuits.viewer import LINKS, viewer_graph

TEXT, COUNT, NUMBER, TEXTS = (
    {"type": "string"},
    {"type": "integer"},
    {"type": "number"},
    {"type": "array", "items": {"type": "string"}},
)


def fields(**known: object) -> dict[str, object]:
    return {"type": "object", "properties": known, "required": list(known)}


NODE = fields(
    node_id=TEXT,
    jsNodeId=TEXT,
    feature=COUNT,
    layer=TEXT,
    ctx_idx={"type": "integer", "minimum": 0},
    feature_type={"enum": ["cross layer transcoder", "mlp reconstruction error", "embedding", "logit"]},
    token_prob={"type": "number", "minimum": 0, "maximum": 1},
    is_target_logit={"type": "boolean"},
    run_idx=COUNT,
    reverse_ctx_idx=COUNT,
    clerp=TEXT,
)
SCHEMA = fields(
    metadata=fields(
        slug={"type": "string", "pattern": "^[a-z0-9-]+$"},
        scan=TEXT,
        transcoder_list=TEXTS,
        prompt_tokens=TEXTS,
        prompt=TEXT,
        schema_version={"const": 1},
    ),
    qParams=fields(
        pinnedIds=TEXTS, supernodes={"type": "array", "items": TEXTS}, linkType=TEXT, clickedId=TEXT, sg_pos=TEXT
    ),
    nodes={"type": "array", "items": NODE, "minItems": 2},
    links={"type": "array", "items": fields(source=TEXT, target=TEXT, weight=NUMBER), "minItems": 1},
)


def test_a_circuit_is_a_graph_of_that_schema_and_says_what_the_picture_says() -> None:
    task = ls.task(ls.load("builtin"), "induction", pairs=12)
    circuit = ls.circuit(ls.attribute(task), 24)
    document = viewer_graph(circuit, task.judge)
    assert list(Draft7Validator(SCHEMA).iter_errors(document)) == []
    nodes = {node["node_id"]: node for node in document["nodes"]}
    assert len(nodes) == len(document["nodes"])
    assert {end for link in document["links"] for end in (link["source"], link["target"])} == set(nodes)
    assert len({(link["source"], link["target"]) for link in document["links"]}) == len(document["links"])
    length = len(document["metadata"]["prompt_tokens"])
    assert all(node["ctx_idx"] + node["reverse_ctx_idx"] == length - 1 for node in nodes.values())
    alone = {f"L{layer}.H{head}": f"L{layer}.H{head}" for layer in (0, 1) for head in range(12)}
    drawn = pair_graph(circuit, task.judge, 0, alone, LINKS, LINKS)
    assert sum(link["weight"] for link in document["links"]) == pytest.approx(sum(edge.share for edge in drawn.edges))
    assert [node["layer"] for node in nodes.values() if node["is_target_logit"]] == ["3"]
    assert any(node["clerp"] == "L1.H10" and node["layer"] == "1" for node in nodes.values())
    assert all(node["layer"] == "E" for node in nodes.values() if node["feature_type"] == "embedding")
