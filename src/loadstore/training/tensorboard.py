"""The measured lines of a run for TensorBoard, where it is installed."""

import importlib
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from loadstore.training.folder import own
from loadstore.training.history import Line

BOARD = "tensorboard"


def board(folder: Path, step: int) -> Callable[[Line], None]:
    """Return what writes a measured line below ``folder``; it does nothing where TensorBoard is not installed.

    ``step`` is where the run is: what an earlier process wrote at or past it will be measured again.
    """
    if find_spec(BOARD) is None:
        return lambda line: None
    own(folder, BOARD)
    summary: Any = importlib.import_module("torch.utils.tensorboard")
    writer = summary.SummaryWriter(str(folder / BOARD), purge_step=step)

    def write(line: Line) -> None:
        for name, value in scalars(line).items():
            writer.add_scalar(name, value, line["step"])
        writer.flush()

    return write


def scalars(line: Line, prefix: str = "") -> dict[str, float]:
    """Every number of a line by its path, such as ``induction/L1.H4``."""
    numbers: dict[str, float] = {}
    for name, value in line.items():
        if isinstance(value, dict):
            numbers |= scalars(value, f"{prefix}{name}/")
        elif isinstance(value, int | float) and name != "step":
            numbers[prefix + name] = float(value)
    return numbers
