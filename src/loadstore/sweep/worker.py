"""A worker process: reads tasks as lines of JSON, computes them, and answers each with its outcome."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

import msgspec

from loadstore.sweep.engine import computed
from loadstore.sweep.item import Item
from loadstore.sweep.store import Store


@dataclass(frozen=True, slots=True)
class Task:
    """An item, and where its result goes."""

    folder: str
    suffix: str
    item: Item


def main() -> None:
    """Answer until the input ends."""
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # what a library prints must not look like an answer
    for line in sys.stdin.buffer:
        task = msgspec.json.decode(line, type=Task)
        outcome = computed(task.item, Store(Path(task.folder), task.suffix))
        answers.write(msgspec.json.encode(outcome) + b"\n")


if __name__ == "__main__":
    main()
