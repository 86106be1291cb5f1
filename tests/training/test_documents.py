"""Text files, JSON lines and Parquet give the same documents, and a file that holds none is refused by its line."""

import json
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from each import each

from loadstore.errors import BadRequest
from loadstore.training.documents import read_documents
from loadstore.training.prepare import prepare

TEXTS = [f"the cat {i} sat on the mat" for i in range(120)]


def texts(path: Path) -> list[str]:
    return [document.text for document in read_documents(path)]


@pytest.fixture
def parquet(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in for pyarrow whose Parquet files are JSON: a list of rows."""

    class ParquetFile:
        def __init__(self, path: Path) -> None:
            self.rows = json.loads(path.read_text(encoding="utf-8"))
            self.schema_arrow = SimpleNamespace(names=list(self.rows[0]))

        def iter_batches(self, columns: list[str]) -> Any:
            for row in self.rows:
                column = SimpleNamespace(to_pylist=lambda row=row: [row[columns[0]]])
                yield SimpleNamespace(column=lambda _, column=column: column)

    arrow, part = ModuleType("pyarrow"), ModuleType("pyarrow.parquet")
    vars(part)["ParquetFile"] = ParquetFile
    vars(arrow)["parquet"] = part
    monkeypatch.setitem(sys.modules, "pyarrow", arrow)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", part)


def test_documents_of_all_kinds_are_read_in_order_of_their_files(tmp_path: Path, parquet: None) -> None:
    (tmp_path / "b.jsonl").write_text('{"text": "three"}\n\n{"text": "four", "id": 1}\n', encoding="utf-8")
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x.txt").write_text("one", encoding="utf-8")
    (tmp_path / "a" / "y.parquet").write_text('[{"text": "two"}]', encoding="utf-8")
    (tmp_path / "notes.md").write_text("not read", encoding="utf-8")
    found = [(document.name, document.text) for document in read_documents(tmp_path)]
    assert found == [("a/x.txt", "one"), ("a/y.parquet:0", "two"), ("b.jsonl:1", "three"), ("b.jsonl:3", "four")]


def test_a_file_of_json_lines_is_a_corpus_and_half_a_pair_is_replaced(tmp_path: Path) -> None:
    lines = [json.dumps({"text": text}) for text in TEXTS]
    (tmp_path / "text.jsonl").write_text("\n".join([*lines, '{"text": "\\ud800"}']), encoding="utf-8")
    corpus = prepare(tmp_path / "text.jsonl", tmp_path / "run", 300)
    assert corpus.documents == 121
    assert "the cat 0 sat" in corpus.tokenizer.decode(corpus.train.tolist())
    assert prepare(tmp_path / "text.jsonl", tmp_path / "run", 300).digest == corpus.digest
    assert texts(tmp_path / "text.jsonl")[-1] == "?"


@each(
    ("name", "content", "message"),
    [
        ("a.jsonl", '{"text": "fine"}\n{"txt": "x"}', "line 2 of .*a.jsonl is not a document"),
        ("a.jsonl", '{"text": 3}', "line 1 of"),
        ("a.jsonl", '["text"]', "line 1 of"),
        ("a.jsonl", "{", "line 1 of"),
        ("a.jsonl", "[" * 100_000, "line 1 of"),
        ("a.parquet", '[{"body": "x"}]', r"no column 'text' \(body\)"),
        ("a.parquet", '[{"text": "x"}, {"text": null}]', "row 1 of"),
        ("a.parquet", "PAR1", "cannot be read as Parquet"),
    ],
)
def test_what_is_not_a_document_is_named(tmp_path: Path, parquet: None, name: str, content: str, message: str) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(BadRequest, match=message):
        texts(tmp_path)


def test_parquet_without_pyarrow_says_how_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    (tmp_path / "a.parquet").write_bytes(b"")
    with pytest.raises(BadRequest, match=r"pip install 'loadstore\[arrow\]'"):
        texts(tmp_path)
