"""Checkpoints at log-spaced steps, batches in parts, and measured lines for TensorBoard."""

import json
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

import loadstore as ls
from loadstore.checkpoints.checkpoint import read_checkpoint
from loadstore.errors import BadRequest
from loadstore.training import tensorboard
from loadstore.training.checkpoints import is_run, kept_checkpoints
from loadstore.training.folder import claimed
from loadstore.training.loop import train
from loadstore.training.recipe import Recipe
from loadstore.training.recipe_file import read_recipe
from loadstore.training.run import begin
from loadstore.training.step import take_step
from loadstore.training.synthetic import made_up_words

RECIPE = read_recipe(Path(__file__).with_name("tiny-llama.toml"))
CORPUS = made_up_words(RECIPE.vocab)


@pytest.fixture(autouse=True)
def one_number_format(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loadstore.training.run.faster_in_bfloat16", lambda: False)


def content(path: Path) -> str:
    """The digest of all tensors and facts; their order in the file varies."""
    return read_checkpoint(path).metadata["digest"]


def short(steps: int = 5, **more: Any) -> Recipe:
    phases = tuple(replace(phase, steps=steps, **more) for phase in RECIPE.phases)
    return replace(RECIPE, phases=phases, per_octave=1)


def test_checkpoints_are_kept_at_doubling_steps_and_at_the_end_and_load(tmp_path: Path) -> None:
    run = train(short(), CORPUS, tmp_path)
    kept = kept_checkpoints(tmp_path)
    assert [each.step for each in kept] == [0, 1, 2, 4, 8, 10]
    assert kept[3].path.name == "step-000004.safetensors"
    last = ls.load(kept[-1].path)
    assert torch.equal(last.W_E, run.parameters["W_E"])
    card = json.loads(read_checkpoint(kept[3].path).metadata["card"])
    assert (card["step"], card["tokens"], card["recipe"]["n_kv_heads"]) == (4, 4 * 8 * 32, 2)
    assert ls.run(last, [1, 2, 3]).logits.shape[-1] == RECIPE.vocab


def test_a_resumed_run_keeps_the_same_checkpoints_mid_epoch_and_phase(tmp_path: Path) -> None:
    train(short(3), CORPUS, tmp_path / "whole")
    for _ in range(4):
        steps = iter([False, True])
        train(short(3), CORPUS, tmp_path / "parts", stop=lambda steps=steps: next(steps))
    whole, parts = (kept_checkpoints(tmp_path / name) for name in ("whole", "parts"))
    assert len(whole) == len(parts) == 5  # 0, 1, 2, 4 and 6
    for one, other in zip(whole, parts, strict=True):
        assert content(one.path) == content(other.path)


def test_a_run_without_checkpoints_and_a_folder_of_another_are_refused(tmp_path: Path) -> None:
    train(replace(short(1), kept_per_octave=0), CORPUS, tmp_path / "none")
    with pytest.raises(BadRequest, match="kept_per_octave above 0"):
        kept_checkpoints(tmp_path / "none")
    train(replace(short(1), kept_per_octave=0), CORPUS, tmp_path / "other")
    (tmp_path / "other" / "checkpoints").mkdir()
    with pytest.raises(BadRequest, match="belongs to another recipe"):
        train(short(1), CORPUS, tmp_path / "other")


def test_a_batch_in_parts_gives_the_same_weights(tmp_path: Path) -> None:
    states: list[dict[str, torch.Tensor]] = []
    for parts in (1, 2, 8):
        recipe = replace(short(accumulate=parts), dtype="float64")
        with claimed(tmp_path):
            run = begin(recipe, CORPUS, tmp_path)
        for _ in range(5):
            take_step(run, recipe.phases[1], CORPUS)
        states.append({name: value.detach() for name, value in run.parameters.items()})
    for name, value in states[0].items():
        assert value.dtype == torch.float64
        for other in states[1:]:
            torch.testing.assert_close(other[name], value, rtol=0, atol=1e-9)


def test_tensorboard_takes_every_number_where_it_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: dict[tuple[str, int], float] = {}

    class SummaryWriter:
        def __init__(self, folder: str, purge_step: int) -> None:
            assert (Path(folder), purge_step) == (tmp_path / "tensorboard", 0)

        def add_scalar(self, name: str, value: float, step: int) -> None:
            written[name, step] = value

        def flush(self) -> None:
            pass

    module = ModuleType("torch.utils.tensorboard")
    vars(module)["SummaryWriter"] = SummaryWriter
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", module)
    monkeypatch.setattr(tensorboard, "find_spec", lambda _: module)
    train(short(2), CORPUS, tmp_path)
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [0, 4]
    for line in lines:
        assert written["text_loss", line["step"]] == line["text_loss"]
        assert written["induction/L1.H0", line["step"]] == line["induction"]["L1.H0"]


@pytest.mark.parametrize("name", ["a\0b", "x" * 5000])
def test_a_name_that_no_folder_has_is_no_run(name: str) -> None:
    assert not is_run(name)
    with pytest.raises(BadRequest, match=r"cannot be read|no checkpoints"):
        kept_checkpoints(Path(name))
