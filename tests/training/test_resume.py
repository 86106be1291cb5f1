"""A run is continued only as what it was: same text, same threads, one process, a disk that takes it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
import typer

from loadstore.atomic import append_whole, write_whole
from loadstore.cli.interrupt import stoppable
from loadstore.errors import BadRequest
from loadstore.training.conditions import conditions
from loadstore.training.folder import claimed
from loadstore.training.history import METRICS
from loadstore.training.loop import train
from loadstore.training.recipe_file import read_recipe
from loadstore.training.run import STATE
from loadstore.training.state import latest, save_state
from loadstore.training.synthetic import made_up_words

pytestmark = pytest.mark.alone

RECIPE = read_recipe(Path(__file__).with_name("small.toml"))
CORPUS = made_up_words(RECIPE.vocab)


@pytest.fixture(autouse=True)
def one_format_and_own_threads(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("loadstore.training.run.faster_in_bfloat16", lambda: False)
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def stopped(folder: Path, threads: int = 1) -> None:
    """A run that was stopped after its first step."""
    assert not train(RECIPE, CORPUS, folder, stop=lambda: True, threads=threads).finished


def saved(folder: Path) -> dict[str, Any]:
    state = latest(folder / STATE)
    assert state is not None
    return state


def edit(folder: Path, **facts: object) -> None:
    save_state(folder / STATE, saved(folder) | facts)


def test_the_state_says_what_the_last_bit_depends_on(tmp_path: Path):
    stopped(tmp_path, threads=2)
    state = saved(tmp_path)
    assert state["conditions"] == conditions()
    assert state["conditions"]["threads"] == 2
    assert torch.backends.cpu.get_cpu_capability() in state["conditions"]["processor"]
    assert state["text"] == CORPUS.digest
    assert state["bfloat16"] is False


def test_another_thread_count_is_refused_and_a_default_one_is_set_back(tmp_path: Path):
    stopped(tmp_path, threads=2)
    with pytest.raises(
        BadRequest, match="started with 2 threads, and 1 would change its last bits; leave out --threads"
    ):
        train(RECIPE, CORPUS, tmp_path, threads=1)
    torch.set_num_threads(1)
    told: list[str] = []
    train(RECIPE, CORPUS, tmp_path, tell=told.append)
    assert told == ["continuing with 2 threads, as the run was started: another number would change its last bits"]
    assert torch.get_num_threads() == 2


def test_another_machine_is_told(tmp_path: Path):
    stopped(tmp_path)
    edit(tmp_path, conditions=conditions() | {"torch": "1.0", "processor": "abacus"})
    told: list[str] = []
    assert train(RECIPE, CORPUS, tmp_path, tell=told.append).finished
    assert [sentence.partition(",")[0] for sentence in told] == [
        "the run was saved with torch 1.0",
        "the run was saved with processor abacus",
    ]


def test_another_text_is_refused(tmp_path: Path):
    stopped(tmp_path)
    with pytest.raises(BadRequest, match="was trained on another text"):
        train(RECIPE, made_up_words(RECIPE.vocab, seed=1), tmp_path)


@pytest.mark.parametrize("fact", ["generator", "conditions", "optimisers", "second_copy"])
def test_an_incomplete_state_is_refused(tmp_path: Path, fact: str):
    stopped(tmp_path)
    state = saved(tmp_path)
    del state[fact]
    save_state(tmp_path / STATE, state)
    with pytest.raises(BadRequest, match=r"is incomplete .*delete it to start again"):
        train(RECIPE, CORPUS, tmp_path)


def test_a_state_of_another_version_is_refused(tmp_path: Path):
    stopped(tmp_path)
    torch.save({"schema": "loadstore/training@1", **saved(tmp_path)}, tmp_path / STATE)
    with pytest.raises(BadRequest, match="it does not begin as a file of the kind loadstore/training@3 does"):
        train(RECIPE, CORPUS, tmp_path)


def test_a_folder_is_one_process_s_and_is_cleared_of_what_killed_writers_left(tmp_path: Path):
    with claimed(tmp_path):
        pass
    (tmp_path / ".loadstore-123.part").write_bytes(b"half")
    (tmp_path / "mine.part").write_bytes(b"kept")
    code = (
        "import sys; from pathlib import Path; from loadstore.training.folder import claimed\n"
        "with claimed(Path(sys.argv[1])): pass"
    )
    other = [sys.executable, "-c", code, str(tmp_path)]
    with claimed(tmp_path):
        refused = subprocess.run(other, capture_output=True, text=True, timeout=120)
        assert "another process is training in" in refused.stderr
        assert {path.name for path in tmp_path.glob("*.part")} == {"mine.part"}
    assert subprocess.run(other, timeout=120).returncode == 0


def test_a_file_in_the_way_of_the_folder_is_said(tmp_path: Path):
    (tmp_path / "run").write_bytes(b"")
    with pytest.raises(BadRequest, match=r"run cannot hold a run: .*choose another folder"):
        train(RECIPE, CORPUS, tmp_path / "run")


@contextmanager
def full_disk(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A real file system of 64 kB where one can be mounted, elsewhere a kernel's refusal put in its place."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    try:
        mounted = subprocess.run(mount, capture_output=True, timeout=30).returncode == 0
    except FileNotFoundError:
        mounted = False
    if mounted:
        try:
            yield
        finally:
            subprocess.run(["umount", str(folder)], check=True, timeout=30)
        return

    def refuse(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", refuse)
        yield


def test_a_full_disk_keeps_the_old_file_and_is_told_in_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    disk = tmp_path / "disk"
    told = r"cannot be written: No space left on device \(it needs 0\.2 MB, .* are free there\); choose .* make room"
    with full_disk(disk, monkeypatch):
        (disk / "a").write_bytes(b"old")
        with pytest.raises(BadRequest, match=told):
            write_whole(disk / "a", bytes(200_000))
        with pytest.raises(BadRequest, match=told):
            append_whole(disk / "a", bytes(200_000))
        assert (disk / "a").read_bytes() == b"old"
        assert [path.name for path in disk.iterdir()] == ["a"]


def test_the_first_interrupt_asks_and_the_second_ends(capsys: pytest.CaptureFixture[str]):
    import signal

    before = signal.getsignal(signal.SIGINT)
    reached: list[bool] = []

    def interrupted() -> None:
        with stoppable(Path("run")) as asked:
            reached.append(asked())
            signal.raise_signal(signal.SIGINT)
            reached.append(asked())
            signal.raise_signal(signal.SIGINT)
            reached.append(False)

    with pytest.raises(typer.Exit) as left:
        interrupted()
    assert (left.value.exit_code, reached) == (130, [False, True])
    assert signal.getsignal(signal.SIGINT) is before
    assert capsys.readouterr().err == (
        "stopped at once; what run holds is whole: run the same command again to go on\n"
    )


@pytest.mark.parametrize("word", ['"induction"', '"previous"', '"text_loss"'])
def test_a_run_goes_on_after_a_measured_line_was_changed(tmp_path: Path, word: str):
    stopped(tmp_path)
    path = tmp_path / METRICS
    path.write_text(path.read_text().replace(word, '"other"', 1))
    stopped(tmp_path)
    assert saved(tmp_path)["step"] == 2
