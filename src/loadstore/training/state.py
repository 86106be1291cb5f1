"""Saving and reading the state of a run: atomically, and without executing anything from the file."""

import os
import pickle
import tempfile
from pathlib import Path
from typing import Any

import torch

from loadstore.errors import BadRequest


def save_state(path: Path, state: dict[str, Any]) -> None:
    """Write next to the target, sync, rename: a kill leaves the old file or the new one, never half of one."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=path.name, suffix=".part", delete=False) as file:
        try:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise
    Path(file.name).replace(path)


def latest(path: Path) -> dict[str, Any] | None:
    """Read a saved state, or None where there is none. Raises BadRequest when the file is torn."""
    if not path.exists():
        return None
    try:
        return torch.load(path, weights_only=True)
    except (RuntimeError, EOFError, pickle.UnpicklingError, OSError) as error:
        raise BadRequest(f"the saved state {path} cannot be read ({error}); delete it to start again") from None
