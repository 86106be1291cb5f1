"""Every field of a result or of a JSON document, by its path: numbers together, names together.

Items of a list share a path, and so do entries whose key is a site, a token or a number. Texts with a space are
sentences and are left out, and so are packed numbers, and models and runs that a result refers to. None is NaN.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
import xarray as xr
from golden.summary import ROUNDING, Result

from loadstore.execution.trace import Trace
from loadstore.model.weights import Weights
from loadstore.sites import Head, Reader, Writer

SITES = (Head, Writer, Reader)
LONG = 60  # characters: packed numbers have more
CLOCK = ("seconds", "operations_per_second", "bound_by")  # of the machine


def leaves(result: Any) -> Iterator[tuple[str, Result]]:
    """The path of every field with all its numbers in one row, or all its names in one list."""
    numbers: dict[str, list[float]] = {}
    names: dict[str, list[str]] = {}
    for path, value in _walk(result):
        if isinstance(value, str):
            names.setdefault(path, []).append(value)
        else:
            numbers.setdefault(path, []).extend(value)
    for path, values in numbers.items():
        found = np.array(values, dtype=np.float64)
        found[np.abs(found) <= ROUNDING] = 0  # a remainder is nothing, but for its last digits
        yield f"{path} as a number" if path in names else path, found
    yield from names.items()


def _walk(value: Any, path: str = "") -> Iterator[tuple[str, str | list[float]]]:
    """Every leaf: a name, or numbers."""
    if isinstance(value, SITES):
        yield path, str(value)
    elif value is None or isinstance(value, bool | int | float | np.number):
        yield path, [math.nan if value is None else float(value)]
    elif isinstance(value, str):
        if 0 < len(value) < LONG and " " not in value:
            yield path, value
    elif isinstance(value, torch.Tensor):
        yield path, value.detach().double().cpu().flatten().tolist()
    elif isinstance(value, np.ndarray):
        yield from _array(value, path)
    elif isinstance(value, xr.Dataset | xr.DataArray):
        yield from _labelled(value, path)
    elif isinstance(value, Mapping):
        for key, part in value.items():
            if key not in CLOCK:
                yield from _walk(part, _below(path, str(key)))
    elif isinstance(value, Sequence | range):
        for part in value:
            yield from _walk(part, path)
    elif is_dataclass(value):
        for name, part in _fields(value):
            yield from _walk(part, _below(path, name))


def _array(array: np.ndarray, path: str) -> Iterator[tuple[str, str | list[float]]]:
    if array.dtype.kind in "US":
        for name in array.ravel().tolist():
            yield path, name
    elif array.dtype.kind == "O":
        for part in array.ravel():
            yield from _walk(part, path)
    else:
        yield path, array.astype(np.float64).ravel().tolist()


def _labelled(result: xr.Dataset | xr.DataArray, path: str) -> Iterator[tuple[str, str | list[float]]]:
    """Variables, coordinates and attributes."""
    variables = result.data_vars if isinstance(result, xr.Dataset) else {"values": result}
    for name, part in (*variables.items(), *result.coords.items()):
        yield from _array(np.asarray(part.values), _below(path, str(name)))
    yield from _walk(result.attrs, _below(path, "attributes"))


def _fields(value: Any) -> Iterator[tuple[str, Any]]:
    """Public fields and properties."""
    stored = [field.name for field in fields(value)]
    computed = [
        name
        for kind in type(value).__mro__
        for name, part in vars(kind).items()
        if isinstance(part, property | cached_property)
    ]
    for name in dict.fromkeys([*stored, *computed]):
        part = None if name.startswith("_") else getattr(value, name)
        if not isinstance(part, Weights | Trace) and (name in stored or not isinstance(part, Mapping)):
            yield name, part  # a mapping that is computed has the same parts in another order


def _below(path: str, key: str) -> str:
    plain = key.isidentifier() and not any(letter.isdigit() for letter in key)
    return "/".join(filter(None, (path, key if plain else "*")))
