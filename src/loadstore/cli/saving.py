"""Writes the result of a command to a file; if that fails, the result is still printed."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from loadstore.arrow import ARROW, check_arrow, write_arrow

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr


@contextmanager
def saving(path: Path | None, write: Callable[[Path], None]) -> Generator[bool]:
    """Write to ``path`` if there is one, let the caller print, and then raise the error of a failed write.

    Yields False if the write failed: the result is then lost unless the caller prints all of it.
    """
    from loadstore.errors import BadRequest

    refused: BadRequest | None = None
    try:
        if path is not None:
            write(path)
    except BadRequest as error:
        refused = error
    yield refused is None
    if refused is not None:
        raise BadRequest(f"{refused}. The result was printed, but not written") from None


def check_name(path: Path) -> None:
    """Raise BadRequest unless a result can be written there, under a name with a known format."""
    from loadstore.atomic import check_target
    from loadstore.errors import BadRequest

    if path.suffix not in (".csv", ".nc", *ARROW):
        raise BadRequest(f"{path}: expected a name that ends in .csv or .nc, or in .arrow with pyarrow")
    check_target(path)
    if path.suffix in ARROW:
        check_arrow(path)


def check_page(path: Path) -> None:
    """Raise BadRequest unless a page can be written there, under a name that browsers open."""
    from loadstore.atomic import check_target
    from loadstore.errors import BadRequest

    check_target(path)
    if path.suffix.lower() not in (".html", ".htm"):
        raise BadRequest(f"{path}: expected a name that ends in .html")


def guarded(frame: "pd.DataFrame") -> "pd.DataFrame":
    """A copy of the table whose texts and headings a spreadsheet neither evaluates nor hides; numbers are unchanged."""
    from loadstore.visible import csv_cell

    safe = frame.map(lambda value: csv_cell(value) if isinstance(value, str) else value)
    return safe.rename(columns=lambda name: csv_cell(str(name)))


def write_dataset(table: "xr.Dataset", path: Path) -> None:
    """Write a labelled result as .csv or .arrow (long form, missing wires left out) or .nc, atomically."""
    from loadstore.atomic import replacing
    from loadstore.errors import BadRequest

    check_name(path)
    with replacing(path) as partial:
        if path.suffix == ".csv":
            guarded(table.to_dataframe().dropna(how="all").reset_index()).to_csv(partial, index=False)
            return
        if path.suffix in ARROW:
            frame = table.to_dataframe().dropna(how="all").reset_index()
            write_arrow({str(name): frame[name].tolist() for name in frame}, table.attrs, partial)
            return
        try:
            table.to_netcdf(partial, engine="scipy")
        except (ImportError, ValueError) as error:
            raise BadRequest(f"{path} needs scipy ({error}): pip install 'loadstore[netcdf]'") from None
