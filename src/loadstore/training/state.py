"""Saving and reading the state of a run: atomically, and without executing anything from the file."""

import io
import pickle
from pathlib import Path
from typing import Any

import torch

from loadstore.atomic import write_whole
from loadstore.errors import BadRequest

SCHEMA = "loadstore/training@1"


def save_state(path: Path, state: dict[str, Any]) -> None:
    """Write the state of a run, whole or not at all. Raises BadRequest when the disk refuses, saying how much it needs.

    Made in memory first: only then is its size known, and torch's own writer reports a full disk as a RuntimeError.
    """
    buffer = io.BytesIO()
    torch.save({"schema": SCHEMA, **state}, buffer)
    write_whole(path, buffer.getbuffer())


def latest(path: Path) -> dict[str, Any] | None:
    """Read a saved state, or None where there is none. Raises BadRequest when the file is torn or of another kind."""
    if not path.exists():
        return None
    try:
        saved = torch.load(path, weights_only=True)
    except (RuntimeError, EOFError, pickle.UnpicklingError, OSError) as error:
        raise BadRequest(f"the saved state {path} cannot be read ({error}); delete it to start again") from None
    if not isinstance(saved, dict) or saved.get("schema") != SCHEMA:
        raise BadRequest(f"{path} is not a state of this version ({SCHEMA}); delete it to start again")
    return saved
