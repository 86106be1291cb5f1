"""Commands that are killed at random moments leave nothing half-written, and the next run is right.

``LOADSTORE_KILLS=20`` kills each command twenty times; the suite twice, once by each signal.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.alone, pytest.mark.nightly]

KILLS = int(os.environ.get("LOADSTORE_KILLS", "2"))


def test_what_is_killed_leaves_nothing_half_written_and_the_next_run_is_right(tmp_path: Path) -> None:
    command = [sys.executable, str(Path(__file__).with_name("kills.py")), str(tmp_path), str(KILLS)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=3000, env=environment)
    assert done.returncode == 0, done.stderr[-2000:]
    told = json.loads(done.stdout)
    assert sum(told["hit"].values()) == 5 * KILLS
    print(told)
