"""Two processes that torchrun starts take the steps of one: each has half of the batch, and the gradients are added."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from loadstore.errors import BadRequest
from loadstore.training.group import Group
from loadstore.training.state import latest

pytestmark = [pytest.mark.alone, pytest.mark.nightly]

RECIPE = Path(__file__).with_name("tiny-llama.toml").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("given")
    words = "".join(f'{{"text": "the cat {i} sat on the mat {i * i}"}}\n' for i in range(200))
    (folder / "text.jsonl").write_text(words, encoding="utf-8")
    return folder


def trained(given: Path, processes: int, dtype: str) -> dict[str, Any]:
    """The state after 50 steps."""
    recipe = RECIPE.replace("steps = 40", "steps = 20").replace('norm = "rms"', f'norm = "rms"\ndtype = "{dtype}"')
    (given / f"{dtype}.toml").write_text(recipe, encoding="utf-8")
    out = given / f"{dtype}-{processes}"
    start = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}", "-m", "loadstore"]
    line = [sys.executable, *(start if processes > 1 else ["-m", "loadstore"])]
    line += ["train", f"{dtype}.toml", "text.jsonl", "-o", str(out), "--threads", "1"]
    done = subprocess.run(line, cwd=given, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    state = latest(out / "state.pt")
    assert state is not None
    assert (state["step"], state["processes"]) == (50, processes)
    return state


@pytest.mark.parametrize(("dtype", "most"), [("float64", 1e-9), ("float32", 0.1)])
def test_two_processes_give_the_weights_of_one(given: Path, dtype: str, most: float) -> None:
    one, two = (trained(given, processes, dtype)["parameters"] for processes in (1, 2))
    for name, value in one.items():
        assert value.dtype == getattr(torch, dtype)
        assert float((two[name] - value).norm() / value.norm()) <= most, name


def test_a_batch_is_shared_in_equal_rows() -> None:
    assert [Group(4, rank).rows(8) for rank in (0, 3)] == [slice(0, 2), slice(6, 8)]
    with pytest.raises(BadRequest, match="a batch of 8 cannot be shared by 3 processes; start a divisor of 8"):
        Group(3, 1).rows(8)
