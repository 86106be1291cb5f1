"""A run of a tiny machine in double precision that keeps five checkpoints, for what reads runs."""

from dataclasses import replace
from pathlib import Path

from loadstore.training.loop import train
from loadstore.training.recipe import Phase, Recipe, Start
from loadstore.training.synthetic import made_up_words

RECIPE = Recipe(
    **{"name": "emerged", "seed": 1, "n_layers": 2, "n_heads": 2, "d_model": 16, "d_head": 8, "vocab": 257},
    context=24,
    start=Start(pos_frequencies=(2.4, 0.5)),
    phases=(Phase("repeats", steps=6, batch=8, length=24, repeats=1.0, block=(4, 11)),),
    per_octave=1,
    kept_per_octave=1,
    dtype="float64",
)


def small_run(folder: Path, seed: int = 1, *, n_heads: int = 2) -> Path:
    """Train into a folder, and return it."""
    train(replace(RECIPE, seed=seed, n_heads=n_heads), made_up_words(RECIPE.vocab), folder)
    return folder
