"""The training screen: a run is followed while it goes on, and only new checkpoints are measured."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from emerged import small_run
from hostile import refusal

import loadstore as ls
from loadstore.checkpoints.library import load
from loadstore.errors import BadRequest
from loadstore.explorer.current import Current
from loadstore.explorer.state import Explorer
from loadstore.explorer.table import answered
from loadstore.figures.emergence import emergence_figure
from loadstore.training.checkpoints import is_run, kept_checkpoints
from loadstore.training.history import METRICS


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_run(tmp_path_factory.mktemp("run"))


@pytest.fixture
def going_on(whole: Path, tmp_path: Path) -> Path:
    """The run as it was after four steps: four checkpoints and two measured lines."""
    folder = tmp_path / "run"
    (folder / "checkpoints").mkdir(parents=True)
    for checkpoint in kept_checkpoints(whole)[:4]:
        shutil.copy(checkpoint.path, folder / "checkpoints")
    lines = (whole / METRICS).read_text().splitlines(keepends=True)
    (folder / METRICS).write_text("".join(lines[:2]) + lines[2][:20])  # the next one is being written
    return folder


def followed(explorer: Explorer) -> tuple[dict[str, Any], list[str]]:
    """The answer, and the files that it loaded."""
    loaded: list[str] = []

    def watched(path: Path) -> object:
        loaded.append(path.name)
        return load(path)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("loadstore.training.emergence.load", watched)
        return answered("training", explorer, {})(lambda done, of: None), loaded


def test_a_run_that_goes_on_is_followed_and_measured_only_where_it_is_new(whole: Path, going_on: Path) -> None:
    last = kept_checkpoints(going_on)[-1].path
    explorer = Explorer(ls.load(last), [1, 2, 1, 2], training=going_on)
    now, loaded = followed(explorer)
    assert (now["step"], now["checkpoints"], now["folder"]) == (4, 4, str(going_on))
    assert [figure.number for figure in now["figures"]] == ["Formation", "Emergence"]
    assert sorted(set(loaded)) == [kept.path.name for kept in kept_checkpoints(going_on)]
    again, loaded = followed(explorer)
    assert loaded == [last.name]  # whose heads are followed back
    assert again["figures"] == now["figures"]
    shutil.copytree(whole, going_on, dirs_exist_ok=True)
    later, loaded = followed(explorer)
    assert (later["step"], later["checkpoints"]) == (6, 5)
    assert later["figures"][1] == emergence_figure(ls.experiments.emergence(whole))
    assert "step-000006.safetensors" in loaded


def test_other_models_have_no_run_and_a_run_without_lines_says_so(going_on: Path) -> None:
    model = ls.load(kept_checkpoints(going_on)[-1].path)
    explorer = Explorer(model, [1, 2, 1, 2])
    assert not answered("model", Current(explorer), {})["training"]
    refusal(lambda: followed(explorer), BadRequest, "loadstore explore RUN/")
    (going_on / METRICS).unlink()
    run = Explorer(model, [1, 2, 1, 2], training=going_on)
    assert answered("model", Current(run), {})["training"]
    refusal(lambda: followed(run), BadRequest, "no measured lines yet")


def test_a_run_is_a_folder_with_checkpoints(going_on: Path) -> None:
    assert is_run(str(going_on))
    assert not is_run(str(going_on / "checkpoints"))
    assert not is_run("builtin")
    assert not is_run("a\0b")
