"""MIB's format of circuits and rankings, out and in."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from each import each
from hostile import refusal
from solvable import solvable
from tiny import FEW, Kind, Sizes, tiny

import loadstore as ls
from loadstore.circuits.live import live
from loadstore.circuits.mib import from_mib, ranking_from_mib, read_mib, to_mib, write_mib
from loadstore.circuits.mib_names import edge_name, wire_named
from loadstore.errors import BadCheckpoint, BadRequest, NoSuchWire, NotThisModel
from loadstore.model.weights import Weights

GPT2 = Kind("learned", "layer", True, "gelu", sizes=Sizes(n_layers=2, n_heads=2))
BY_HAND = {  # as Graph.to_json of EAP-IG writes it, shortened: edges that are not there have the score 0
    "cfg": {"n_layers": 2, "n_heads": 2, "parallel_attn_mlp": False, "d_model": 12},
    "nodes": {
        "input": {"in_graph": True},
        "a0.h1": {"in_graph": True},
        "m1": {"in_graph": False},
        "logits": {"in_graph": True},
    },
    "edges": {
        "input->a0.h1<v>": {"score": 0.5, "in_graph": True},
        "input->m1": {"score": 0.25, "in_graph": False},
        "a0.h1->a1.h0<k>": {"score": -0.75, "in_graph": True},
        "a1.h0->logits": {"score": 1, "in_graph": True},
        "m0->logits": {"score": -2.0, "in_graph": False},
    },
}


@pytest.fixture(scope="module")
def model() -> Weights:
    return tiny(GPT2)


@pytest.fixture(scope="module")
def task(model: Weights, tmp_path_factory: pytest.TempPathFactory) -> ls.Task:
    return ls.task(model, str(solvable(model, tmp_path_factory.mktemp("mib") / "gifts.jsonl", 9)))


def test_a_document_written_by_hand_is_read(model: Weights) -> None:
    found = from_mib(BY_HAND, model, "gifts")
    assert [f"{writer} -> {reader}" for writer, reader in found.wires] == [
        "L1.H0 -> unembed",
        "L0.H1 -> L1.H0.K",
        "embed -> L0.H1.V",
    ]
    assert found.attributions == (1, 0.75, 0.5)
    assert (found.task, found.live) == ("gifts", live(model).count)
    ranked = ranking_from_mib(BY_HAND, model)
    assert ranked.sizes["wire"] == live(model).count
    assert float(ranked.signed.sum()) == 0.5 + 0.25 - 0.75 + 1 - 2
    strongest = ls.circuit(ranked, 2, by="attribution")
    assert [str(writer) for writer, _ in strongest.wires] == ["L0.mlp", "L1.H0"]


def test_a_circuit_and_a_ranking_go_out_and_come_back(model: Weights, task: ls.Task, tmp_path: Path) -> None:
    ranked = ls.attribute(task, method="eap-ig")
    circuit = ls.circuit(ranked, 15)
    write_mib(tmp_path / "circuit.json", circuit, model)
    document = read_mib(tmp_path / "circuit.json")
    back = from_mib(document, model)
    assert back.wires == circuit.wires
    assert back.attributions == pytest.approx(circuit.attributions)
    assert set(document) == {"cfg", "nodes", "edges"}
    assert sum(edge["in_graph"] for edge in document["edges"].values()) == 15
    used = {name for name, node in document["nodes"].items() if node["in_graph"]}
    assert {"input", "logits"} <= used
    write_mib(tmp_path / "ranked.json", ranked, model)
    again = ranking_from_mib(read_mib(tmp_path / "ranked.json"), model)
    np.testing.assert_allclose(again.signed, ranked.signed)
    assert again.writer.values.tolist() == ranked.writer.values.tolist()
    assert again.reader.values.tolist() == ranked.reader.values.tolist()
    expected = ls.curve(ranked, task.judge, by="signed")
    assert ls.curve(again, task.judge, by="signed").attrs["cpr"] == pytest.approx(expected.attrs["cpr"])
    refusal(lambda: from_mib(to_mib(ranked, model), model), BadRequest, "no edge of the document is in the graph")


@each("kind", FEW, ids=str)
def test_every_live_wire_has_a_name_of_its_own(kind: Kind) -> None:
    wires = live(tiny(kind))
    every = [(wires.writers[row], wires.readers[column]) for row, column in wires.exists.nonzero().tolist()]
    names = [edge_name(*wire) for wire in every]
    assert len(set(names)) == wires.count
    assert [wire_named(name) for name in names] == every


def test_gpt2_has_as_many_edges_as_mib_counts_and_smollm2_as_well() -> None:
    sizes = Sizes(d_model=12, d_head=1, width=2, vocab=5, context=4, n_layers=12, n_heads=12)
    gpt2 = tiny(Kind("learned", "layer", True, "gelu", sizes=sizes))
    circuit = replace(from_mib({**BY_HAND, "cfg": {**BY_HAND["cfg"], "n_layers": 12, "n_heads": 12}}, gpt2), task="x")
    document = to_mib(circuit, gpt2)
    assert len(document["edges"]) == live(gpt2).count == 32_491
    assert len(document["nodes"]) == 1 + 12 * 13 + 1
    smollm2 = Sizes(d_model=9, d_head=4, width=2, vocab=5, context=4, n_layers=30, n_heads=9)
    assert live(tiny(Kind("rotary", "rms", False, "gated", kv=3, sizes=smollm2))).count == 123_211


def changed(**parts: Any) -> dict[str, Any]:
    """The document with some parts in place of its own."""
    return {**BY_HAND, **parts}


@each(
    ("document", "error", "told"),
    [
        ({}, BadRequest, "expected the objects cfg, nodes and edges"),
        (changed(edges=[]), BadRequest, "expected the objects cfg, nodes and edges"),
        (changed(cfg={**BY_HAND["cfg"], "n_heads": 3}), NotThisModel, "n_heads = 3"),
        (changed(edges={"a0.h0->a0.h1<q>": {"score": 1, "in_graph": True}}), NoSuchWire, "is not an edge of"),
        (changed(edges={"a1.h0->m7": {"score": 1, "in_graph": True}}), NoSuchWire, "is not an edge of"),
        (changed(edges={"input->a0.h1": {"score": 1, "in_graph": True}}), BadRequest, "is not an edge; edges are"),
        (changed(edges={"pos->m0": {"score": 1, "in_graph": True}}), BadRequest, "is not an edge; edges are"),
        (changed(edges={"input->m0": {"score": float("nan"), "in_graph": True}}), BadRequest, "a finite number"),
        (changed(edges={"input->m0": {"score": True, "in_graph": True}}), BadRequest, "a finite number"),
        (changed(edges={"input->m0": {"score": 1.0, "in_graph": 1}}), BadRequest, "true or false"),
        (changed(edges={"input->m0": 3}), BadRequest, "a finite number"),
        (changed(nodes={"input": {"in_graph": True, "neurons": [1.0]}}), BadRequest, "single neurons"),
    ],
)
def test_a_wrong_document_is_refused(
    model: Weights, document: dict[str, Any], error: type[Exception], told: str
) -> None:
    refusal(lambda: from_mib(document, model), error, told)


def test_a_file_that_is_not_json_is_refused(tmp_path: Path, model: Weights) -> None:
    path = tmp_path / "torn.json"
    path.write_text('{"cfg": ')
    refusal(lambda: read_mib(path), BadCheckpoint, "is not JSON")
    other = tiny(GPT2, seed=1)
    refusal(lambda: to_mib(from_mib(BY_HAND, other), model), NotThisModel, "other weights")
