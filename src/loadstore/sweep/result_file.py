"""Result files: Parquet where pyarrow is installed, else NumPy's npz; each holds a checksum of its own content.

The checksum is over names, types and bytes of the columns, so that both formats have the same one, and other programs
read both. Nothing in a file is executed, and an npz file that would expand beyond its size is refused.
"""

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

import numpy as np

from loadstore.arrow import from_parquet, to_parquet
from loadstore.sweep.result import Column, Result

KIND = "loadstore/sweep@1"
ABOUT = "loadstore"  # the name of the entry with everything but the columns
SUFFIXES = (".parquet", ".npz")
TYPES: dict[str, type] = {"text": str, "float64": float, "int64": np.int64}


def suffix() -> str:
    """The format that this installation writes."""
    return SUFFIXES[0] if find_spec("pyarrow") else SUFFIXES[1]


def packed(result: Result, key: str, suffix: str) -> bytes:
    """The bytes of a result file for the item with this key."""
    about = json.dumps(
        {
            "kind": KIND,
            "key": key,
            "digest": _digest(result.columns),
            "types": {name: _type(column) for name, column in result.columns.items()},
            "headline": dict(result.headline),
            "facts": dict(result.facts),
        }
    )
    if suffix == SUFFIXES[0]:
        return to_parquet({name: column.tolist() for name, column in result.columns.items()}, {ABOUT: about})
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **{ABOUT: np.array(about)}, **result.columns)
    return buffer.getvalue()


def unpacked(data: bytes, key: str, suffix: str) -> Result:
    """Read the bytes of a result file. Raises ValueError for damage, or the file of another item."""
    try:
        about, columns = _parquet(data) if suffix == SUFFIXES[0] else _npz(data)
        entry: dict[str, Any] = json.loads(about)
        whole = entry["kind"] == KIND and entry["key"] == key and entry["digest"] == _digest(columns)
        result = Result(columns, dict(entry["headline"]), dict(entry["facts"]))
    except Exception as error:  # a damaged archive can raise any exception
        raise ValueError(f"it cannot be read: {error}") from None
    if not whole:
        raise ValueError("its content does not match its checksum or its name")
    return result


def _npz(data: bytes) -> tuple[str, dict[str, Column]]:
    buffer = io.BytesIO(data)
    with zipfile.ZipFile(buffer) as archive:
        if any(info.compress_type != zipfile.ZIP_STORED for info in archive.infolist()):
            raise ValueError("it is compressed, as no result is")
        if sum(info.file_size for info in archive.infolist()) > len(data):
            raise ValueError("it states more than it holds")
    with np.load(buffer, allow_pickle=False) as file:
        columns = {name: file[name] for name in file.files}
    return str(columns.pop(ABOUT)), columns


def _parquet(data: bytes) -> tuple[str, dict[str, Column]]:
    lists, metadata = from_parquet(data)
    types = json.loads(metadata[ABOUT])["types"]
    return metadata[ABOUT], {name: np.array(values, dtype=TYPES[types[name]]) for name, values in lists.items()}


def _type(column: Column) -> str:
    return "text" if column.dtype.kind == "U" else str(column.dtype)


def _digest(columns: Mapping[str, Column]) -> str:
    """The digest of columns. Texts count by their content, whatever their padding, and every NaN as the same."""
    total = hashlib.sha256()
    for name, column in columns.items():
        kind = _type(column)
        if kind == "text":
            content = json.dumps(column.tolist()).encode()
        else:
            content = (np.where(np.isnan(column), np.nan, column) if kind == "float64" else column).tobytes()
        total.update(f"{name} {kind} {len(column)}\n".encode() + content)
    return total.hexdigest()
