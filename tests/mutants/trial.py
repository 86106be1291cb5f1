"""One trial: pytest on a copy of the project, in a process that is forked from one with the libraries loaded.

Importing PyTorch takes as long as most trials, so that libraries are imported once, before the forks. loadstore and the
tests are imported in each trial, from the copy.
"""

import gc
import importlib
import json
import os
import signal
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

LIBRARIES = ("torch", "numpy", "xarray", "tokenizers", "rich.console", "typer", "pytest")
PLUGINS = ("jaxtyping", "beartype", "typeguard", "anyio.pytest_plugin", "xdist")  # which pytest imports by itself
FAILED, MISSING = 1, (4, 5)  # exit codes of pytest: a test failed; there is no such test
VERDICTS = {0: "passed", FAILED: "failed"}


@dataclass(frozen=True)
class Outcome:
    """What a trial found.

    Args:
        verdict: failed (a test did), passed (all did), no such test (of an unbroken copy), timeout, or error (else).
        seconds: Its wall time.
        by: The first test that failed.
        tests: Seconds of each test that ran.
        output: The end of what pytest printed.
    """

    verdict: str
    seconds: float
    by: str = ""
    tests: dict[str, float] = field(default_factory=dict[str, float])
    output: str = ""


def prepare(libraries: tuple[str, ...], cache: Path) -> None:
    """Load what every trial needs, with one thread, and keep the trials' bytecode in ``cache``."""
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = "1"
    os.environ["NIGHTLY"] = "1"  # an entry may name a case of any model
    for name in libraries:
        importlib.import_module(name)
    gc.freeze()  # collections in the forks pass over all this
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["PYTHONPYCACHEPREFIX"] = sys.pycache_prefix = str(cache)
    sys.dont_write_bytecode = False


class Trial:
    """pytest in a forked process."""

    def __init__(self, copy: Path, tests: tuple[str, ...], *, limit: float, broken: bool) -> None:
        """Start it. It is killed after ``limit`` seconds, and ends at the first failure if the copy is broken."""
        self._answer, self._output = copy / "trial.json", copy / "trial.txt"
        self._answer.unlink(missing_ok=True)
        self._start, self._limit, self._broken = time.monotonic(), limit, broken
        sys.stdout.flush()
        self._pid = os.fork()
        if self._pid == 0:
            _run(copy, [*["-x"] * broken, *tests], self._answer, self._output)

    def outcome(self) -> Outcome | None:
        """Return what it found, or None while it runs."""
        seconds = time.monotonic() - self._start
        pid, status = os.waitpid(self._pid, os.WNOHANG)
        if pid == 0 and seconds < self._limit:
            return None
        if pid == 0:
            self.kill()
            return Outcome("timeout", seconds, output=self._said())
        code = os.waitstatus_to_exitcode(status)
        answer: dict[str, Any] = json.loads(self._answer.read_text("utf-8")) if self._answer.exists() else {}
        if (elsewhere := answer.get("elsewhere")) is not None:
            return Outcome("error", seconds, output=f"loadstore was imported from {elsewhere}")
        missing = "error" if self._broken else "no such test"  # a test that was there is not, if its import fails
        verdict = VERDICTS.get(code, missing if code in MISSING else "error")
        return Outcome(verdict, seconds, **answer, output="" if code == FAILED else self._said())

    def kill(self) -> None:
        """End it and all that it started."""
        try:
            os.killpg(self._pid, signal.SIGKILL)
        except ProcessLookupError:  # it has not made its group yet, or is gone
            os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)

    def _said(self) -> str:
        return self._output.read_text("utf-8", errors="replace")[-2000:] if self._output.exists() else ""


class _Listener:
    """A plugin of pytest that keeps the first failure and the seconds of each test."""

    def __init__(self) -> None:
        self.by, self.tests = "", dict[str, float]()

    def pytest_runtest_logreport(self, report: Any) -> None:
        self.tests[report.nodeid] = round(self.tests.get(report.nodeid, 0) + report.duration, 3)
        if report.failed and not self.by:
            self.by = report.nodeid


def _run(copy: Path, arguments: list[str], answer: Path, output: Path) -> None:
    """Run pytest in the forked process, and end that process."""
    code = 3
    try:
        os.setsid()
        for number, path, mode in ((0, os.devnull, os.O_RDONLY), (1, output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)):
            os.dup2(os.open(path, mode, 0o600), number)
        os.dup2(1, 2)
        os.chdir(copy)
        os.environ["PYTHONPATH"] = str(copy / "src")
        sys.path[:] = [
            str(copy / "src"),
            *(entry for entry in sys.path if entry not in ("", str(Path(__file__).parents[1]))),
        ]
        pytest, listener = importlib.import_module("pytest"), _Listener()
        options = ["-q", "--tb=short", "--no-header", "-p", "no:cacheprovider", f"--rootdir={copy}"]
        options += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]  # plugins that are loaded are not rewritten
        code = int(pytest.main([*options, *arguments], plugins=[listener]))
        found: dict[str, Any] = {"by": listener.by, "tests": listener.tests}
        where = getattr(sys.modules.get("loadstore"), "__file__", None)
        if where is not None and not Path(where).is_relative_to(copy):
            found["elsewhere"] = where
        answer.write_text(json.dumps(found), encoding="utf-8")
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
