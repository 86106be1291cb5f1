"""Saving and reading the state of a run: atomically, and without executing anything from the file."""

import pickle
from pathlib import Path
from typing import Any

import torch

from loadstore.atomic import replacing
from loadstore.errors import BadRequest


def save_state(path: Path, state: dict[str, Any]) -> None:
    """Write the state of a run, whole or not at all. Raises BadRequest when the disk is full."""
    with replacing(path) as partial:
        torch.save(state, partial)


def latest(path: Path) -> dict[str, Any] | None:
    """Read a saved state, or None where there is none. Raises BadRequest when the file is torn."""
    if not path.exists():
        return None
    try:
        return torch.load(path, weights_only=True)
    except (RuntimeError, EOFError, pickle.UnpicklingError, OSError) as error:
        raise BadRequest(f"the saved state {path} cannot be read ({error}); delete it to start again") from None
