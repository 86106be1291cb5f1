"""A private copy of the project, in which one source file at a time is broken; the working tree is never changed."""

import itertools
import os
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from mutants.catalogue import PACKAGE, Mutant

COPIED = ("src", "tests")
LEFT_OUT = ("build", "dist", "runs")
_moments = itertools.count(1)


def copy_of(root: Path, into: Path) -> Path:
    """Copy source and tests of a project; tests see its other files through links."""
    into.mkdir()
    for entry in root.iterdir():
        if entry.name in COPIED:
            shutil.copytree(entry, into / entry.name, ignore=shutil.ignore_patterns("__pycache__"))
        elif not entry.name.startswith(".") and entry.name not in LEFT_OUT:
            (into / entry.name).symlink_to(entry)
    return into


@contextmanager
def broken(copy: Path, mutant: Mutant) -> Generator[None]:
    """Break one file of a copy, and mend it at the end. Raises DoesNotApply."""
    path = copy / PACKAGE / mutant.file
    text, whole = mutant.broken(copy), path.read_bytes()
    times = path.stat()
    try:
        path.write_text(text, encoding="utf-8")
        moment = next(_moments)  # bytecode is cached by time and size: no two texts of a file may share both
        os.utime(path, (moment, moment))
        yield
    finally:
        path.write_bytes(whole)
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
