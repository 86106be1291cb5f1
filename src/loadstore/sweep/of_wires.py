"""Tables of wires in long form, and the wires that compare models."""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

import numpy as np

from loadstore.sweep.result import Column, Headline

if TYPE_CHECKING:
    import xarray as xr

HEAD, SCORE = "L*.H*", ("L*.H*.Q", "L*.H*.K")


def long_form(table: "xr.Dataset") -> dict[str, Column]:
    """One row for each wire that has a number, by writer and then reader, of a table over (writer, reader)."""
    values = {str(name): table[name].transpose("writer", "reader").values.astype(float) for name in table.data_vars}
    rows, columns = np.nonzero(np.any([~np.isnan(value) for value in values.values()], axis=0))
    names = {"writer": table["writer"].values.astype(str)[rows], "reader": table["reader"].values.astype(str)[columns]}
    return names | {name: value[rows, columns] for name, value in values.items()}


def between_heads(columns: Mapping[str, Column]) -> dict[str, Column]:
    """The rows whose writer is a head and whose reader is the Q or K of a later one: all in the same unit."""
    kept = np.array(
        [
            fnmatchcase(writer, HEAD) and any(fnmatchcase(reader, glob) for glob in SCORE)
            for writer, reader in zip(columns["writer"].tolist(), columns["reader"].tolist(), strict=True)
        ],
        dtype=bool,
    )
    return {name: column[kept] for name, column in columns.items()}


def aligned(columns: Mapping[str, Column]) -> dict[str, Headline]:
    """The best aligned wire between heads: its name, alignment and z. Empty text and NaN without one."""
    return _first(between_heads(columns), "alignment", "most aligned", {"alignment": "alignment", "z": "z"})


def heaviest(columns: Mapping[str, Column]) -> dict[str, Headline]:
    """The wire between heads that carries most: its name and traffic. Empty text and NaN without one."""
    return _first(columns, "traffic", "most traffic", {"traffic": "traffic"})


def _first(columns: Mapping[str, Column], by: str, name: str, shown: Mapping[str, str]) -> dict[str, Headline]:
    """The row with the largest number in a column, named ``name``, with some of its numbers."""
    values = np.nan_to_num(columns[by], nan=-np.inf)
    if not np.isfinite(values).any():
        return {name: "", **{heading: float("nan") for heading in shown}}
    row = int(values.argmax())
    wire = f"{columns['writer'][row]} → {columns['reader'][row]}"
    return {name: wire, **{heading: float(columns[column][row]) for heading, column in shown.items()}}
