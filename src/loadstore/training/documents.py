"""Documents to train on: text files, JSON lines and Parquet, each document by a name that never changes."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from loadstore.arrow import check_arrow
from loadstore.errors import BadRequest
from loadstore.quote import quote, some
from loadstore.reading import reads

TEXT = "text"  # the key, or the column, that holds a document
KINDS = (".txt", ".jsonl", ".parquet")


@dataclass(frozen=True, slots=True)
class Document:
    """One document: its name below the folder, such as ``a.txt`` or ``b.jsonl:17``, and its text."""

    name: str
    text: str


def text_files(path: Path) -> list[Path]:
    """Return every file of a known kind below a folder, or the file itself, in the order in which they are read."""
    if path.is_file():
        return [path] if path.suffix in KINDS else []
    return [file for file in sorted(path.rglob("*")) if file.suffix in KINDS and file.is_file()]


def read_documents(path: Path) -> Iterator[Document]:
    """Read all documents of a folder or of one file. Raises BadRequest for a file that holds none as it should."""
    for file in text_files(path):
        reads(file)
        name = file.name if file == path else str(file.relative_to(path))
        if file.suffix == ".txt":
            yield Document(name, file.read_text(encoding="utf-8", errors="replace"))
        else:
            rows = _json_lines(file) if file.suffix == ".jsonl" else _parquet(file)
            for number, text in rows:
                yield Document(f"{name}:{number}", text.encode(errors="replace").decode())  # half a surrogate pair


def _json_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Texts by their line, from 1; empty lines are passed over."""
    with path.open(encoding="utf-8", errors="replace") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                text = json.loads(line)[TEXT]
            except (ValueError, KeyError, TypeError, IndexError, RecursionError):
                text = None
            if not isinstance(text, str):
                raise BadRequest(
                    f'line {number} of {quote(path)} is not a document: expected {{"{TEXT}": "…"}}, one object per line'
                )
            yield number, text


def _parquet(path: Path) -> Iterator[tuple[int, str]]:
    """Texts by their row, from 0."""
    arrow = check_arrow(path, "parquet")
    try:
        table = arrow.parquet.ParquetFile(path)
        columns = list(table.schema_arrow.names)
        if TEXT not in columns:
            raise BadRequest(f"{quote(path)} has no column '{TEXT}' ({some(columns)}); rename the one with the text")
        number = 0
        for batch in table.iter_batches(columns=[TEXT]):
            for text in batch.column(0).to_pylist():
                if not isinstance(text, str):
                    raise BadRequest(f"row {number} of {quote(path)} has no text in '{TEXT}'; leave such rows out")
                yield number, text
                number += 1
    except (OSError, ValueError) as error:  # pyarrow's errors are of these kinds
        raise BadRequest(
            f"{quote(path)} cannot be read as Parquet ({quote(error)}); download or write it again"
        ) from None
