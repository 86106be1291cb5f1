"""Tables in Apache Arrow's IPC file format (Feather 2), which polars, pandas, R and DuckDB read; needs pyarrow."""

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
