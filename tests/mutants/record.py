"""The record of verdicts: a line of JSON for each trial, so that an interrupted run goes on where it stopped.

A verdict is kept under a digest of the mutant, of all source, of the files of its tests and of the modules that tests
share. When one of these changes, the mutant is tried again.
"""

import hashlib
import json
import os
from dataclasses import asdict
from pathlib import Path

from mutants.catalogue import Mutant
from mutants.trial import Outcome

FINAL = ("failed", "passed")  # other verdicts may be the machine's doing, and are tried again


class Keys:
    """The digests that verdicts are kept under."""

    def __init__(self, root: Path) -> None:
        """Read all source and all modules that tests share."""
        self._root = root
        source = [path for path in (root / "src").rglob("*") if "__pycache__" not in path.parts]
        shared = [path for path in (root / "tests").rglob("*.py") if _shared(path.relative_to(root / "tests"))]
        self._common = self._digest([*source, *shared, root / "pyproject.toml"])

    def of(self, mutant: Mutant) -> str:
        """The digest of one mutant."""
        tests = self._digest([self._root / file for file in mutant.test_files])
        parts = [mutant.file, mutant.old, mutant.new, *mutant.tests, self._common, tests]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    def _digest(self, paths: list[Path]) -> str:
        total = hashlib.sha256()
        for path in sorted(path for path in paths if path.is_file()):
            total.update(f"{path.relative_to(self._root)}\0".encode())
            total.update(hashlib.sha256(path.read_bytes()).digest())
        return total.hexdigest()


def _shared(path: Path) -> bool:
    return not path.name.startswith("test_") and path.parts[0] != "mutants"


class Record:
    """Verdicts in a file of JSON lines. Each is written at once; a line that a crash has torn is ignored."""

    def __init__(self, path: Path) -> None:
        """Read what is there."""
        self._path = path
        self._outcomes: dict[str, Outcome] = {}
        self._seconds: dict[str, float] = {}
        for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
            try:
                entry = json.loads(line)
                name, key = entry.pop("name"), entry.pop("key")
                self._keep(name, key, Outcome(**entry))
            except (ValueError, TypeError, KeyError):
                continue

    def find(self, key: str) -> Outcome | None:
        """Return the final verdict under a key, if there is one."""
        return self._outcomes.get(key)

    def seconds(self, name: str) -> float | None:
        """How long the last trial of that name took, whatever has changed since."""
        return self._seconds.get(name)

    def add(self, name: str, key: str, outcome: Outcome) -> None:
        """Write one verdict."""
        self._keep(name, key, outcome)
        entry = {"name": name, "key": key, **asdict(outcome), "seconds": round(outcome.seconds, 2)}
        self._path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(handle, f"\n{json.dumps(entry, ensure_ascii=False)}\n".encode())
            os.fsync(handle)
        finally:
            os.close(handle)

    def _keep(self, name: str, key: str, outcome: Outcome) -> None:
        self._seconds[name] = outcome.seconds
        if outcome.verdict in FINAL:
            self._outcomes[key] = outcome
