"""Break each invariant of the catalogue once, in a copy, and see its tests fail.

A mutant replaces one string that occurs exactly once in one source file. Its tests must pass on the unbroken
copy and fail on the broken one; whatever else happens is an error. `run.py [WORD …]` takes the mutants whose
names contain a word.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
FAILED = 1  # pytest: tests ran and some failed; collection errors and empty selections have other codes


@dataclass(frozen=True)
class Mutant:
    """One broken invariant, and the tests that must notice."""

    name: str
    file: str
    old: str
    new: str
    tests: list[str]

    def broken(self) -> str:
        """Return the source with the one replacement. Raises ValueError unless the old string is there exactly once."""
        source = (ROOT / "src" / "loadstore" / self.file).read_text(encoding="utf-8")
        if (count := source.count(self.old)) != 1:
            raise ValueError(f"{self.name}: {self.old!r} is in {self.file} {count} times, expected once")
        return source.replace(self.old, self.new)


def catalogue() -> list[Mutant]:
    """All mutants."""
    entries = json.loads((Path(__file__).parent / "catalogue.json").read_text(encoding="utf-8"))
    return [Mutant(**entry) for entry in entries]


def run_tests(copy: Path, tests: list[str]) -> subprocess.CompletedProcess[str]:
    """Run tests in a copy, against the source of that copy."""
    where = {"PYTHONPATH": str(copy / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", "-x", "-q", "--tb=line", "-p", "no:cacheprovider", *tests]
    return subprocess.run(command, cwd=copy, env=os.environ | where, capture_output=True, text=True, check=False)


def copied(into: Path) -> Path:
    """Copy what the tests need; the copy is what gets broken."""
    shutil.copytree(ROOT / "src", into / "src", ignore=shutil.ignore_patterns("__pycache__", "data", "bundle"))
    shutil.copytree(ROOT / "tests", into / "tests", ignore=shutil.ignore_patterns("__pycache__", "browser"))
    shutil.copy(ROOT / "pyproject.toml", into)
    return into


def survivors(mutants: list[Mutant]) -> list[str]:
    """Say which mutants were not noticed, and why; empty when every test did its work."""
    found: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        copy = copied(Path(folder))
        intact = run_tests(copy, sorted({test for mutant in mutants for test in mutant.tests}))
        if intact.returncode != 0:
            return [f"the tests fail on the unbroken source:\n{intact.stdout[-3000:]}{intact.stderr[-2000:]}"]
        for mutant in mutants:
            path = copy / "src" / "loadstore" / mutant.file
            whole = path.read_text(encoding="utf-8")
            path.write_text(mutant.broken(), encoding="utf-8")
            result = run_tests(copy, mutant.tests)
            path.write_text(whole, encoding="utf-8")
            print(f"{'killed' if result.returncode == FAILED else 'SURVIVED'}  {mutant.name}", flush=True)
            if result.returncode == 0:
                found.append(f"{mutant.name}: no test noticed")
            elif result.returncode != FAILED:
                found.append(f"{mutant.name}: pytest ended with {result.returncode}:\n{result.stdout[-2000:]}")
    return found


def main(words: list[str]) -> int:
    """Return 0 when every chosen mutant is killed."""
    mutants = [m for m in catalogue() if not words or any(word in m.name for word in words)]
    if not mutants:
        print(f"no mutant has {' or '.join(words)} in its name", file=sys.stderr)
        return 2
    found = survivors(mutants)
    print("\n".join(found) if found else f"all {len(mutants)} mutants are killed")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
