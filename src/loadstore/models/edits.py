"""Edits are data: an edited run is ``run(model, prompt, edits=[…])``; nothing is hooked, nothing to reset."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from loadstore.errors import BadRequest
from loadstore.sites import Head, Reader, Writer, parse_reader, parse_writer

By: TypeAlias = Literal["mean", "zero"]


@dataclass(frozen=True, slots=True)
class Ablate:
    """Replace what a writer stores, for every reader at once."""

    writer: Writer
    by: By


@dataclass(frozen=True, slots=True)
class Cut:
    """Remove what one writer stores from the input of one reader; everyone else still sees it."""

    writer: Writer
    reader: Reader
    by: By


Edit: TypeAlias = Ablate | Cut


def ablate(writer: Writer | Head | str, *, by: By = "mean") -> Ablate:
    """Replace a writer's store by its mean over the run's tokens, the first position left out, or by zero."""
    return Ablate(parse_writer(writer), _known(by))


def cut(writer: Writer | Head | str, reader: Reader | str, *, by: By = "mean") -> Cut:
    """Remove a writer's store, less its mean (or all of it), from one reader's input, norm scales frozen."""
    return Cut(parse_writer(writer), parse_reader(reader), _known(by))


def _known(by: By) -> By:
    if by not in ("mean", "zero"):
        raise BadRequest(f"by={by!r} is not a replacement; use 'mean' or 'zero'")
    return by
