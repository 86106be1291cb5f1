"""Configs that are wrong in every way, of every family: a model loads, or a documented error names the file."""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from depth import deep
from each import each
from fuzz import SCALARS, VALUES, check, dumped, mutated, rewrite, torn
from reference_models import SHAPES, reference, save

from loadstore.checkpoints import checkpoint
from loadstore.checkpoints.families.table import FAMILIES
from loadstore.checkpoints.library import load

CASES = deep(15_600, usual=1_560)
ROPE = ["rope_type", "type", "rope_theta", "factor", "low_freq_factor", "high_freq_factor", "partial_rotary_factor"]
ROPE += ["original_max_position_embeddings", "attention_factor", "beta_fast", "mscale", "short_factor", "long_factor"]
TYPES = ["default", "linear", "llama3", "dynamic", "yarn", "longrope", "mrope", "su", None, 3, ["linear"]]
KINDS = sorted({shape.kind for shape in SHAPES})


def rope(dice: random.Random) -> dict[str, Any]:
    """Rotary parameters of some kind, most of them nonsense."""
    found: dict[str, Any] = {"rope_type": dice.choice(TYPES)}
    for key in dice.sample(ROPE, dice.randrange(len(ROPE))):
        found[key] = dice.choice([1.0, 2, 8.0, 1e4, 64, *SCALARS])
    return found


def cases(config: dict[str, Any], keys: list[str], place: Path, dice: random.Random, count: int) -> Iterator[object]:
    """Write a mutated config, and tell what it is."""
    for _ in range(count):
        changed: Any = config
        for _ in range(dice.choice([1, 1, 1, 2, 3, 6])):
            changed = mutated(changed, dice, keys, VALUES)
        if isinstance(changed, dict) and dice.random() < 0.2:
            changed[dice.choice(["rope_parameters", "rope_scaling"])] = rope(dice)
        content = dumped(changed)
        rewrite(place, torn(content, dice) if dice.random() < 0.1 else content)
        yield changed


@each("kind", KINDS)
def test_a_wrong_config_loads_or_is_refused(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = [save(reference(shape), tmp_path / shape.name) for shape in SHAPES if shape.kind == kind]
    folder = min(folders, key=lambda each: len(checkpoint.read_checkpoint(each).tensors))
    tensors = checkpoint.read_tensors(folder / "model.safetensors")
    monkeypatch.setattr(checkpoint, "read_tensors", lambda _: tensors)  # they stay the same
    configs = [json.loads((each / "config.json").read_text()) for each in folders]
    keys = sorted({key for each in configs for key in each} | {"rope_scaling", "rope_theta", "head_dim", "n_inner"})
    dice = random.Random(f"config {kind}")
    config = json.loads((folder / "config.json").read_text())
    counts = check(
        cases(config, keys, folder / "config.json", dice, CASES // len(KINDS)), lambda: load(folder), tmp_path
    )
    assert counts["loaded"] > 0  # so that what is behind the first check is met
    assert counts["BadCheckpoint"] > 0
    assert counts["NotThisModel"] > 0


def test_every_family_is_tried() -> None:
    assert set(FAMILIES) == set(KINDS)
