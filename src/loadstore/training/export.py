"""A finished run as a model file, its heads renumbered as the recipe names them."""

import json
from pathlib import Path

from loadstore.atomic import write_whole
from loadstore.checkpoints.families.own import save_weights
from loadstore.training.corpus import Corpus
from loadstore.training.folder import claimed, own
from loadstore.training.numbering import numbered
from loadstore.training.parameters import as_weights
from loadstore.training.run import Run

NUMBERING = "numbering.json"


def export(run: Run, corpus: Corpus, folder: Path, *, half: bool = True) -> tuple[Path, dict[str, str]]:
    """Write the model and ``numbering.json``; returns the model's path and what moved (new name → trained name).

    ``half`` stores float16. Raises BadRequest when the disk refuses, and for files of these names that
    are not the run's.
    """
    trained = as_weights(run.recipe, run.parameters, corpus.tokens).map(lambda tensor: tensor.detach())
    model, moved = numbered(run.recipe, trained)
    target = folder / f"{run.recipe.name}.safetensors"
    with claimed(folder):
        own(folder, target.name, NUMBERING)
        save_weights(model, target, half=half)
        write_whole(folder / NUMBERING, json.dumps(moved).encode())
    return target, moved
