"""Kills at random moments of training, resumed: the same weights, optimiser and metrics to the last bit."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from loadstore.checkpoints.checkpoint import read_checkpoint
from loadstore.training.state import latest

pytestmark = [pytest.mark.alone, pytest.mark.nightly]

HERE = Path(__file__).parent
KILLS = {"tiny.toml": 20, "tiny-llama.toml": 6}


def same(one: Any, other: Any) -> bool:
    """Equal to the last bit, through dicts, lists and tensors."""
    if isinstance(one, torch.Tensor):
        return one.dtype == other.dtype and torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and one == other


def checkpoints(run: Path) -> dict[str, str]:
    """The digest of each checkpoint that a run keeps."""
    files = run.glob("checkpoints/*.safetensors")
    return {path.name: read_checkpoint(path).metadata["digest"] for path in files}


@pytest.fixture(scope="module", params=KILLS)
def killed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("kills")
    # Threads that wait without spinning: on a loaded machine two that spin take ten times as long.
    done = subprocess.run(
        [sys.executable, HERE / "kills.py", folder, str(KILLS[request.param]), request.param],
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "OMP_WAIT_POLICY": "PASSIVE"},
    )
    assert done.returncode == 0, done.stderr
    return folder, json.loads(done.stdout) | {"recipe": request.param}


def test_a_run_that_is_killed_and_resumed_changes_no_bit(killed: tuple[Path, dict[str, Any]]):
    folder, told = killed
    whole = latest(folder / "undisturbed" / "state.pt")
    assert whole is not None
    lines = (folder / "undisturbed" / "metrics.jsonl").read_bytes()
    assert whole["step"] == 70
    assert lines.count(b"\n") == 15
    kept = checkpoints(folder / "undisturbed")
    assert len(kept) == (9 if told["recipe"] == "tiny-llama.toml" else 0)  # 0, 1, 2, 4, … 64 and 70
    for number in range(1, told["runs"] + 1):
        run = folder / f"run {number}"
        assert same(latest(run / "state.pt"), whole)
        assert (run / "metrics.jsonl").read_bytes() == lines
        assert checkpoints(run) == kept
        assert not list(run.glob("*.part"))


def test_the_kills_came_inside_the_writing_of_state_and_metrics_too(killed: tuple[Path, dict[str, Any]]):
    hit = killed[1]["hit"]
    assert sum(hit.values()) == KILLS[killed[1]["recipe"]]
    assert killed[1]["recipe"] != "tiny.toml" or set(hit) == {
        "some moment",
        "state begun",
        "state written",
        "state about to be moved",
        "line torn",
    }
