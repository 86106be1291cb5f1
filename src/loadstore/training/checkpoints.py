"""Checkpoints that a run keeps at log-spaced steps: model files, which every command loads."""

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path

from loadstore.checkpoints.families.own import save_weights
from loadstore.errors import BadRequest
from loadstore.quote import quote
from loadstore.training.corpus import Corpus
from loadstore.training.folder import own
from loadstore.training.history import log_spaced
from loadstore.training.parameters import as_weights
from loadstore.training.recipe import Recipe
from loadstore.training.run import Run

CHECKPOINTS = "checkpoints"


@dataclass(frozen=True, slots=True)
class Kept:
    """A checkpoint of a run: after how many steps, and its file."""

    step: int
    path: Path


def steps_kept(recipe: Recipe) -> frozenset[int]:
    """The steps after which a checkpoint is kept, besides the last one."""
    return frozenset(log_spaced(recipe.steps, recipe.kept_per_octave) if recipe.kept_per_octave else ())


def keep(run: Run, corpus: Corpus, folder: Path) -> None:
    """Write the model as it is now, whole or not at all. Its card states the step, the tokens and the recipe.

    Raises BadRequest when the disk refuses, and for a folder of this name that is not the run's.
    """
    own(folder, CHECKPOINTS)
    try:
        (folder / CHECKPOINTS).mkdir(exist_ok=True)
    except OSError as error:
        raise BadRequest(f"{quote(folder / CHECKPOINTS)} cannot be made: {error.strerror}") from None
    card = {"step": run.step, "tokens": run.tokens, "recipe": asdict(run.recipe)}
    weights = as_weights(run.recipe, run.parameters, corpus.tokens)
    save_weights(weights, folder / CHECKPOINTS / f"step-{run.step:06}.safetensors", card=json.dumps(card))


def is_run(name: str) -> bool:
    """Whether a name is the folder of a run that keeps checkpoints."""
    try:
        return any((Path(name) / CHECKPOINTS).glob("step-*.safetensors"))
    except (OSError, ValueError):  # a name too long or with a NUL
        return False


def kept_checkpoints(folder: Path) -> list[Kept]:
    """List the checkpoints of a run in order of steps. Raises BadRequest where there is none."""
    try:
        files = sorted((folder / CHECKPOINTS).glob("step-*.safetensors"))
    except (OSError, ValueError) as error:  # no rights, a name too long or with a NUL
        raise BadRequest(
            f"{quote(folder)} cannot be read ({quote(error)}); check its name and its permissions"
        ) from None
    names = [(re.fullmatch(r"step-(\d+)\.safetensors", path.name), path) for path in files]
    checkpoints = [Kept(int(match[1]), path) for match, path in names if match]
    if not checkpoints:
        raise BadRequest(
            f"{quote(folder)} keeps no checkpoints; train with kept_per_octave above 0, as presets have it"
        )
    return sorted(checkpoints, key=lambda kept: kept.step)
