"""A task by its name: a generated one, or a file of one's own pairs."""

from pathlib import Path
from typing import Annotated

from loadstore.bounds import Seed, Within
from loadstore.circuits.generate import generated
from loadstore.circuits.task import Task
from loadstore.circuits.task_file import MOST_PAIRS, read_task
from loadstore.circuits.tasks.table import TASKS
from loadstore.errors import BadRequest
from loadstore.model.weights import Weights
from loadstore.quote import quote

PAIRS = 64
PairCount = Annotated[int, Within(3, MOST_PAIRS)]


def task(weights: Weights, name: str | Path, *, pairs: PairCount | None = None, seed: Seed = 0) -> Task:
    """Generate a task for a model, or read a file of pairs.

    Args:
        weights: The model; a generated task adapts to its tokenizer.
        name: A task of ``loadstore tasks`` ("ioi", "greater_than", "agreement", …) or the path of a .jsonl file
            (docs/tasks.md).
        pairs: How many pairs to generate, 64 by default: 3/8 of them to find, 1/8 to choose, 1/2 to judge. A file is
            always taken whole.
        seed: The seed of the pairs and of the splits.

    Returns:
        The task; ``.find``, ``.choose`` and ``.judge`` are its pairs.

    Raises:
        BadRequest: No such task, a tokenizer that leaves too few pairs, or a file that cannot be used.
        BadPrompt: Prompts of a file that do not fit the model.
        Undefined: A task of text for a model without a tokenizer.

    Example:
        >>> task = ls.task(ls.load("smollm2"), "ioi", pairs=64, seed=0)
    """
    if is_file(name):
        if pairs is not None:
            raise BadRequest(f"pairs={pairs} is for generated tasks; all pairs of {quote(name, 60)} are taken")
        return read_task(weights, Path(name), seed)
    check_task(name)
    return generated(weights, TASKS[str(name)], PAIRS if pairs is None else pairs, seed)


def is_file(name: str | Path) -> bool:
    """Whether a name is that of a file of pairs."""
    return isinstance(name, Path) or name.endswith(".jsonl")


def check_task(name: str | Path) -> None:
    """Raise BadRequest for a name that is neither that of a generated task nor that of a file."""
    if not is_file(name) and name not in TASKS:
        raise BadRequest(
            f"there is no task '{quote(name, 40)}'; tasks are {', '.join(TASKS)}, or the path of a .jsonl file"
        )
