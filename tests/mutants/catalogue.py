"""The catalogue: one entry for each invariant that is broken once, and the tests that must notice."""

import json
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
PACKAGE = Path("src", "loadstore")
ENTRIES = Path("tests", "mutants", "catalogue.json")


class DoesNotApply(ValueError):
    """The replaced text is not in the source exactly once, so the entry is out of date."""


@dataclass(frozen=True)
class Mutant:
    """One broken invariant.

    Args:
        name: A sentence that says what the mutant does wrong.
        file: The source file, relative to ``src/loadstore``.
        old: Text that occurs in it exactly once.
        new: What replaces that text.
        tests: pytest ids, at least one of which must fail.
    """

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]

    @property
    def test_files(self) -> list[str]:
        """The files of its tests, sorted."""
        return sorted({test.partition("::")[0] for test in self.tests})

    def broken(self, root: Path) -> str:
        """Return the source with the one replacement. Raises DoesNotApply."""
        path = root / PACKAGE / self.file
        if not path.is_file():
            raise DoesNotApply(f"{self.name}: there is no {self.file}")
        source = path.read_text(encoding="utf-8")
        if (count := source.count(self.old)) != 1:
            raise DoesNotApply(f"{self.name}: {self.old!r} is in {self.file} {count} times, expected once")
        if self.old == self.new:
            raise DoesNotApply(f"{self.name}: it replaces a text by itself")
        return source.replace(self.old, self.new)


def read_catalogue(root: Path = ROOT) -> list[Mutant]:
    """All entries of the catalogue below a root, in the order of the file."""
    entries = json.loads((root / ENTRIES).read_text(encoding="utf-8"))
    return [Mutant(e["name"], e["file"], e["old"], e["new"], tuple(e["tests"])) for e in entries]
