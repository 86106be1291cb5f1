"""The folder of a sweep: one file for each result, named by its key, and the tables and the page made from them."""

from dataclasses import dataclass, field
from pathlib import Path

from loadstore.atomic import check_target, write_whole
from loadstore.errors import BadRequest
from loadstore.quote import quote
from loadstore.sweep.result import Result
from loadstore.sweep.result_file import SUFFIXES, suffix, unpacked

RESULTS, TABLE, PAGE, INDEX = "results", "table.csv", "sweep.html", "index.csv"


@dataclass(frozen=True, slots=True)
class Store:
    """Where the results of a sweep are.

    Args:
        folder: The folder of the sweep.
        suffix: The format of new results.
    """

    folder: Path
    suffix: str = field(default_factory=suffix)

    def path(self, key: str) -> Path:
        """Where the result of a key is written."""
        return self.folder / RESULTS / f"{key}{self.suffix}"

    def found(self, key: str) -> str:
        """The name of the file that has the result of a key."""
        paths = [self.path(key).with_suffix(ending) for ending in SUFFIXES]
        return next((path.name for path in paths if path.exists()), self.path(key).name)

    def prepare(self) -> None:
        """Make the folder. Raises BadRequest if results cannot be written there."""
        try:
            (self.folder / RESULTS).mkdir(parents=True, exist_ok=True)
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else error
            raise BadRequest(f"{quote(self.folder)} cannot be made a folder ({why}); choose another") from None
        for path in (self.path("0" * 64), *(self.folder / name for name in (TABLE, PAGE, INDEX))):
            check_target(path)

    def read(self, key: str) -> Result | None:
        """The result of a key in either format; None if there is none, or only a damaged one."""
        for ending in SUFFIXES:
            try:
                return unpacked(self.path(key).with_suffix(ending).read_bytes(), key, ending)
            except (OSError, ValueError):
                continue
        return None

    def write(self, key: str, data: bytes) -> None:
        """Write the bytes of a result file, atomically. Raises BadRequest."""
        write_whole(self.path(key), data)
