"""Ctrl-C and a full disk stop a real run; what it resumes to is an undisturbed run's, to the last bit."""

import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from loadstore.training.loop import train
from loadstore.training.prepare import prepare
from loadstore.training.recipe_file import read_recipe
from loadstore.training.state import latest

pytestmark = [pytest.mark.alone, pytest.mark.nightly]

BUSY = 240.0  # seconds that a loaded machine may need for what takes a few
LIMIT = 100_000  # bytes: less than a state


@pytest.fixture(scope="module", autouse=True)
def own_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a recipe of 200 steps and a text."""
    folder = tmp_path_factory.mktemp("given")
    text = folder / "text"
    text.mkdir()
    for i in range(120):
        words = " ".join(f"the {w} sat on the {w} number {i}." for w in ("cat", "dog", "hat"))
        (text / f"{i}.txt").write_text(words, encoding="utf-8")
    for name in ("tiny.toml", "tiny-llama.toml"):
        recipe = Path(__file__).with_name(name).read_text(encoding="utf-8")
        (folder / name).write_text(recipe.replace("steps = 40", "steps = 170"), encoding="utf-8")
    return folder


def read(out: Path) -> dict[str, Any]:
    state = latest(out / "state.pt")
    assert state is not None
    return state


def command(given: Path, out: Path, name: str = "tiny", **more: Any) -> "subprocess.Popen[str]":
    line = [sys.executable, "-m", "loadstore", "train", f"{name}.toml", "text", "-o", str(out), "--threads", "1"]
    return subprocess.Popen(line, cwd=given, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more)


def ended(process: "subprocess.Popen[str]") -> tuple[int, list[str]]:
    """The exit code, and what was said after the corpus."""
    _, said = process.communicate(timeout=BUSY)
    lines = [line for line in said.splitlines() if not line.startswith(("reading ", "120 documents", "step "))]
    return process.returncode, lines


def saved_again(out: Path, process: "subprocess.Popen[str]") -> None:
    """Wait until a new state lies in ``out``."""
    path = out / "state.pt"
    before = path.stat().st_mtime_ns if path.exists() else 0
    until = time.monotonic() + BUSY
    while not path.exists() or path.stat().st_mtime_ns == before:
        assert process.poll() is None
        assert time.monotonic() < until
        time.sleep(0.005)


def assert_undisturbed(
    given: Path, out: Path, other: Path, monkeypatch: pytest.MonkeyPatch, name: str = "tiny"
) -> None:
    """Train without a break, in the number format that the run measured, and compare everything."""
    state = read(out)
    monkeypatch.setattr("loadstore.training.run.faster_in_bfloat16", lambda: state["bfloat16"])
    recipe = read_recipe(given / f"{name}.toml")
    run = train(recipe, prepare(given / "text", other, recipe.vocab), other, threads=1)
    assert run.step == state["step"] == 200
    assert all(torch.equal(value, state["parameters"][name]) for name, value in run.parameters.items())
    assert all(torch.equal(value, state["optimisers"]["muon"][name]) for name, value in run.optimisers.momentum.items())
    assert (out / "metrics.jsonl").read_bytes() == (other / "metrics.jsonl").read_bytes()
    assert not list(out.glob("*.part"))


@pytest.mark.parametrize(("name", "tokens"), [("tiny", "49,280"), ("tiny-llama", "40,320")])
def test_interrupts_end_with_130_and_a_sentence_and_cost_no_bit(
    given: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, tokens: str
):
    out = tmp_path / "run"
    first = command(given, out, name)
    saved_again(out, first)
    first.send_signal(signal.SIGINT)
    code, said = ended(first)
    assert code == 130
    step = read(out)["step"]
    assert said == [f"stopped after step {step} and saved in {out}: run the same command again to go on"]

    second = command(given, out, name)
    saved_again(out, second)
    second.send_signal(signal.SIGINT)
    second.send_signal(signal.SIGINT)
    code, said = ended(second)
    assert code == 130
    assert len(said) == 1
    assert said[0].endswith("run the same command again to go on")
    assert read(out)["step"] > step

    code, said = ended(command(given, out, name))
    assert code == 0
    assert said == [f"saved {out / f'{name}.safetensors'} after 200 steps, {tokens} tokens"]
    assert_undisturbed(given, out, tmp_path / "undisturbed", monkeypatch, name)


def test_a_disk_that_refuses_leaves_the_last_state_and_says_how_to_go_on(
    given: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    out = tmp_path / "run"
    recipe = read_recipe(given / "tiny.toml")
    corpus = prepare(given / "text", out, recipe.vocab)
    asked = iter(range(1, 1000))
    step = train(recipe, corpus, out, stop=lambda: next(asked) == 61, threads=1).step
    before = (out / "state.pt").read_bytes()

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, LIMIT))

    code, said = ended(command(given, out, preexec_fn=limited))
    assert code == 2
    assert said == [
        f"loadstore: {out / 'state.pt'} cannot be written: File too large (it needs 0.3 MB); choose another place or "
        f"make room. The state of step {step} is saved and whole; then run the same command again to go on"
    ]
    assert (out / "state.pt").read_bytes() == before
    assert not list(out.glob("*.part"))

    assert train(recipe, corpus, out, threads=1).finished
    assert_undisturbed(given, out, tmp_path / "undisturbed", monkeypatch)
