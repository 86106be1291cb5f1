"""The process that compares the golden numbers."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def told(request: pytest.FixtureRequest) -> Iterator[Callable[[str], list[str]]]:
    """What is not as it was in one group; the process compares, in order, all groups that this run has a test for."""
    here = [item for item in request.session.items if item.path == request.path and isinstance(item, pytest.Function)]
    pairs = [item.callspec.params["pair"] for item in here if hasattr(item, "callspec")]
    path = os.pathsep.join(filter(None, [str(HERE.parent), os.environ.get("PYTHONPATH")]))
    threads = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [sys.executable, "-W", "error", str(HERE / "compare.py"), *pairs],
        env=os.environ | threads | {"PYTHONPATH": path},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    known: dict[str, list[str]] = {}

    def ask(pair: str) -> list[str]:
        assert process.stdout is not None
        while pair not in known:
            line = process.stdout.readline()
            assert line, f"the process ended before {pair}: its stderr says why"
            name, lines = json.loads(line)
            known[name] = lines
        return known[pair]

    yield ask
    process.kill()
    process.wait()
    process.stdout.close()
