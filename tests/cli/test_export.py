"""``loadstore export``: a graph for a viewer, a table for a data frame, and what is missing in one line."""

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cli.conftest import Run

import loadstore as ls


@pytest.fixture
def circuit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ls.Circuit:
    monkeypatch.chdir(tmp_path)
    found = ls.circuit(ls.attribute(ls.task(ls.load("builtin"), "induction", pairs=12)), 12)
    found.save("circuit.json")
    return found


def test_a_graph_is_written_and_a_wrong_name_is_refused(loadstore: Run, circuit: ls.Circuit) -> None:
    code, out, _ = loadstore("export", "circuit.json", "-o", "graph.json", "--json")
    document, graph = json.loads(out), json.loads(Path("graph.json").read_text(encoding="utf-8"))
    assert (code, document["schema"]) == (0, "loadstore/export@1")
    assert (document["nodes"], document["links"]) == (len(graph["nodes"]), len(graph["links"]))
    assert graph["metadata"]["scan"] == circuit.model
    for words, told in (
        (("circuit.json", "-o", "graph.svg"), "ends in .json for a graph"),
        (("circuit.json", "-o", "nowhere/graph.json"), "cannot be written"),
        (("missing.json", "-o", "graph.json"), "missing.json"),
        (("circuit.json", "-o", "graph.json", "--pair", "99"), "there are pairs 0 to"),
    ):
        code, out, err = loadstore("export", *words)
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert told in err


def test_without_pyarrow_the_way_out_is_said(loadstore: Run, circuit: ls.Circuit, monkeypatch: Any) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow.ipc", None)
    for words in (("export", "circuit.json"), ("scores", "builtin", "--reader", "L1.H4.K")):
        code, out, err = loadstore(*words, "-o", "wires.arrow")
        assert (code, out) == (2, "")
        assert err == "loadstore: wires.arrow needs pyarrow, which is not installed: pip install 'loadstore[arrow]'\n"


def test_a_table_has_every_wire(loadstore: Run, circuit: ls.Circuit, monkeypatch: Any) -> None:
    """With a stand-in for pyarrow; tests/live has none, as every release of it reads its own files."""
    written: dict[str, Any] = {}

    class Table:
        schema = "schema"

        def __init__(self, columns: dict[str, list[Any]]) -> None:
            written["columns"] = columns

        def replace_schema_metadata(self, about: dict[str, str]) -> "Table":
            written["about"] = about
            return self

    class File:
        def __enter__(self) -> "File":
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def write_table(self, table: Table) -> None:
            written["path"].write_text("table")

    def sink(path: str, mode: str) -> File:
        written["path"] = Path(path)
        return File()

    fake = SimpleNamespace(table=Table, OSFile=sink, ipc=SimpleNamespace(new_file=lambda sink, schema: File()))
    monkeypatch.setitem(sys.modules, "pyarrow", fake)
    monkeypatch.setitem(sys.modules, "pyarrow.ipc", fake.ipc)
    assert loadstore("export", "circuit.json", "-o", "wires.arrow")[0] == 0
    assert written["columns"]["writer"] == [str(writer) for writer, _ in circuit.wires]
    assert written["columns"]["attribution"] == list(circuit.attributions)
    assert written["about"]["task"] == circuit.task
    assert Path("wires.arrow").exists()
    assert loadstore("scores", "builtin", "--reader", "L1.H4.K", "-o", "scores.arrow", "--top", "1")[0] == 0
    assert "L0.H7" in written["columns"]["writer"]
