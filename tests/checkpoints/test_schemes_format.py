"""Positions and norms in loadstore's own file: stated in the header, compared, and refused where they cannot be."""

import json
from pathlib import Path

import pytest
from each import each
from hostile import forge, refusal, same, unchecked
from tiny import MIXED, ROTARY, Kind, mixed, tiny

from loadstore.checkpoints.checkpoint import read_checkpoint
from loadstore.checkpoints.families.own import save_weights
from loadstore.checkpoints.library import load
from loadstore.errors import NotThisModel
from loadstore.model.architecture import NormKind


@each(("kind", "last"), MIXED)
def test_a_last_norm_of_another_kind_comes_back(kind: Kind, last: NormKind, tmp_path: Path) -> None:
    model = mixed(kind, last)
    save_weights(model, tmp_path / "m.safetensors")
    back = load(tmp_path / "m.safetensors")
    assert same(back, model)
    assert back.architecture == model.architecture


@pytest.mark.parametrize("kind", ROTARY, ids=str)
def test_rotary_frequencies_come_back_to_the_last_bit(kind: Kind, tmp_path: Path) -> None:
    save_weights(tiny(kind), tmp_path / "m.safetensors")
    assert load(tmp_path / "m.safetensors").architecture.rotary == kind.rotary


@each(
    ("rotary", "words"),
    [
        (None, ["belong together"]),
        ([1.0, 0.1], ["an object of frequencies"]),
        ({}, ["an object of frequencies"]),
        ({"frequencies": [1.0]}, ["an object of frequencies"]),
        ({"frequencies": [1.0], "pairs": "halves", "base": 7.0}, ["an object of frequencies"]),
        ({"frequencies": 1.0, "pairs": "halves"}, ["an object of frequencies"]),
        ({"frequencies": {"0": 1.0}, "pairs": "halves"}, ["an object of frequencies"]),
        ({"frequencies": [], "pairs": "halves"}, ["at least one frequency"]),
        ({"frequencies": ["1.0"], "pairs": "halves"}, ["finite numbers"]),
        ({"frequencies": [[1.0]], "pairs": "halves"}, ["finite numbers"]),
        ({"frequencies": [True], "pairs": "halves"}, ["finite numbers"]),
        ({"frequencies": [1.0, float("nan")], "pairs": "halves"}, ["finite numbers"]),
        ({"frequencies": [float("inf")], "pairs": "halves"}, ["finite numbers"]),
        ({"frequencies": [-1e300], "pairs": "halves"}, ["finite numbers up to 1000"]),
        ({"frequencies": [1.0], "pairs": "quarters"}, ["'quarters'", "'halves' or 'adjacent'"]),
        ({"frequencies": [1.0], "pairs": ["halves"]}, ["['halves']", "'halves' or 'adjacent'"]),
        ({"frequencies": [1.0], "pairs": "\x1b[2J" * 1000}, ["'halves' or 'adjacent'"]),
        ({"frequencies": [1.0] * 3, "pairs": "halves"}, ["turn 6 dimensions, a head has 4"]),
        ({"frequencies": [1.0] * 100_000, "pairs": "adjacent"}, ["turn 200000 dimensions"]),
    ],
)
def test_forged_rotary_facts(tmp_path: Path, rotary: object, words: list[str]) -> None:
    file = tmp_path / "rotary.safetensors"
    save_weights(tiny(next(iter(ROTARY))), file)
    stated = json.loads(read_checkpoint(file).metadata["architecture"])
    forge(file, architecture=json.dumps({**stated, "rotary": rotary}))
    with unchecked():
        refusal(lambda: load(file), NotThisModel, file, *words)


@each("last", ["RMS", {}, ["rms"], 1, True])
def test_forged_last_norms(tmp_path: Path, last: object) -> None:
    file = tmp_path / "rotary.safetensors"
    save_weights(tiny(next(iter(ROTARY))), file)
    stated = json.loads(read_checkpoint(file).metadata["architecture"])
    forge(file, architecture=json.dumps({**stated, "final_norm": last}))
    with unchecked():
        refusal(lambda: load(file), NotThisModel, file, f"norm = {last!r}", "use 'none', 'layer' or 'rms'")
