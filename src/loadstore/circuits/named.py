"""Creates a task by its name: a generated task, or a file of the user's own pairs."""

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
        pairs: The number of pairs to generate, 64 by default: 3/8 of them to find, 1/8 to choose, 1/2 to judge. A file
            is always used whole.
        seed: The seed of the pairs and of the splits.

    Returns:
        The task; ``.find``, ``.choose`` and ``.judge`` are its pairs.

    Raises:
        BadRequest: There is no such task, the tokenizer leaves too few pairs, or the file cannot be used.
        BadPrompt: Prompts of a file do not fit the model.
        Undefined: The task consists of text, and the model has no tokenizer.

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
    """Whether a name refers to a file of pairs."""
    return isinstance(name, Path) or name.endswith(".jsonl")


def check_task(name: str | Path) -> None:
    """Raise BadRequest for a name that is neither a generated task nor a file."""
    if not is_file(name) and name not in TASKS:
        raise BadRequest(
            f"there is no task '{quote(name, 40)}'; tasks are {', '.join(TASKS)}, or the path of a .jsonl file"
        )
