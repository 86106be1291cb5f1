"""Small models in files, for sweeps."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tiny import Kind, Sizes, tiny

from loadstore.checkpoints.families.own import save_weights

KIND = Kind("learned", "layer", True, "gelu", sizes=Sizes(context=24, n_layers=2))


def small_models(folder: Path, seeds: Sequence[int] = (0, 1)) -> list[str]:
    """Save a model for each seed, and return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"step-{seed:03}.safetensors" for seed in seeds]
    for seed, path in zip(seeds, paths, strict=True):
        save_weights(replace(tiny(KIND, seed), name="small"), path)
    return [str(path) for path in paths]
