"""Tables as Arrow IPC (Feather 2) or Parquet, which polars, pandas, R and DuckDB read; needs pyarrow."""

import importlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from loadstore.errors import BadRequest

ARROW = (".arrow", ".feather")


def check_arrow(path: Path, part: str = "ipc") -> Any:
    """Return pyarrow with one of its parts imported. Raises BadRequest if it is not installed."""
    try:
        importlib.import_module(f"pyarrow.{part}")
        return importlib.import_module("pyarrow")
    except ModuleNotFoundError:
        raise BadRequest(f"{path} needs pyarrow, which is not installed: pip install 'loadstore[arrow]'") from None


def write_arrow(columns: Mapping[str, Sequence[Any]], about: Mapping[str, object], path: Path) -> None:
    """Write a table.

    Args:
        columns: The values of each column by name, all of equal length.
        about: Metadata to store in the file.
        path: The file to write.

    Raises:
        BadRequest: pyarrow is not installed.
    """
    arrow = check_arrow(path)
    table = arrow.table(dict(columns)).replace_schema_metadata({key: str(value) for key, value in about.items()})
    with arrow.OSFile(str(path), "wb") as sink, arrow.ipc.new_file(sink, table.schema) as file:
        file.write_table(table)


def to_parquet(columns: Mapping[str, Sequence[Any]], about: Mapping[str, str]) -> bytes:
    """The bytes of a Parquet file of columns of equal length, with texts about them in its metadata.

    Raises BadRequest if pyarrow is not installed.
    """
    arrow = check_arrow(Path("a .parquet file"), "parquet")
    table = arrow.table(dict(columns)).replace_schema_metadata(dict(about))
    sink = arrow.BufferOutputStream()
    arrow.parquet.write_table(table, sink)
    return sink.getvalue().to_pybytes()


def from_parquet(data: bytes) -> tuple[dict[str, list[Any]], dict[str, str]]:
    """The columns and the metadata of a Parquet file. Raises BadRequest, or pyarrow's errors for a damaged file."""
    arrow = check_arrow(Path("a .parquet file"), "parquet")
    table = arrow.parquet.read_table(arrow.BufferReader(data))
    metadata = {name.decode(): text.decode() for name, text in (table.schema.metadata or {}).items()}
    return {name: table.column(name).to_pylist() for name in table.column_names}, metadata
