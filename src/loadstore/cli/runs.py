"""A training run in place of a model."""

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from loadstore.model.weights import Weights

PERIOD = 8  # tokens that are repeated


class RunOf(NamedTuple):
    """A model as ``ls.load`` takes it, and the folder of the run that it is the last checkpoint of."""

    model: str
    folder: Path | None


def run_of(model: str) -> RunOf:
    """The last checkpoint of a run, if ``model`` is the folder of a run that keeps checkpoints; else the model."""
    from loadstore.training.checkpoints import is_run, kept_checkpoints

    if not is_run(model):
        return RunOf(model, None)
    return RunOf(str(kept_checkpoints(Path(model))[-1].path), Path(model))


def prompt_of_run(weights: "Weights") -> list[int] | None:
    """Random tokens, repeated, if the run's tokenizer cannot read the article's sentence; else None."""
    from loadstore.cli.question import ARTICLE
    from loadstore.errors import BadPrompt
    from loadstore.heads.roles import random_repeats

    if weights.tokens is not None:
        try:
            weights.tokens.encode(ARTICLE)
        except BadPrompt:
            return random_repeats(weights, 1, period=PERIOD)[0].tolist()
    return None
