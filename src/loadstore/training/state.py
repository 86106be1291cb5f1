"""Saving and reading the state of a run: atomically, under a checksum, and without executing anything from the file."""

import io
from pathlib import Path
from typing import Any, cast

import torch

from loadstore.atomic import write_whole
from loadstore.errors import BadRequest
from loadstore.quote import quote
from loadstore.sealed import seal, unsealed

SCHEMA = "loadstore/training@3"


def save_state(path: Path, state: dict[str, Any]) -> None:
    """Write the state of a run, whole or not at all. Raises BadRequest when the disk refuses, saying how much it needs.

    Made in memory first: only then is its size known, and torch's own writer reports a full disk as a RuntimeError.
    """
    buffer = io.BytesIO()
    torch.save(state, buffer)
    content = buffer.getbuffer()
    write_whole(path, seal(SCHEMA, content), content)


def latest(path: Path) -> dict[str, Any] | None:
    """Read a saved state, or None where there is none. Raises BadRequest when it is damaged or of another kind."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise BadRequest(f"the saved state {path} cannot be read ({error.strerror}); repair or delete it") from None
    try:
        saved: object = torch.load(io.BytesIO(unsealed(SCHEMA, data)), weights_only=True)
        if not isinstance(saved, dict):
            raise ValueError(f"it holds a {type(saved).__name__}")
    except Exception as error:  # under a checksum too a pickle can raise anything
        raise BadRequest(
            f"the saved state {path} cannot be read ({quote(error)}); put a copy of it in its place, or delete it to "
            "start again"
        ) from None
    return cast("dict[str, Any]", saved)
