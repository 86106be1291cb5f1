"""Parses and checks the options of an edit: replacement, tokens, channels and sites."""

from collections.abc import Sequence
from typing import Literal, TypeAlias

from loadstore.errors import BadRequest
from loadstore.execution.record import Pass
from loadstore.model.globs import is_glob
from loadstore.quote import quote
from loadstore.sites import Head, Reader, Writer

By: TypeAlias = Literal["mean", "zero", "resample"]
Place: TypeAlias = int | str
At: TypeAlias = Place | Sequence[Place] | None
Channel: TypeAlias = int | range | None
Site: TypeAlias = Writer | Head | Reader | str


def known_replacement(by: By, over: Pass | None) -> By:
    """Return ``by``. Raises BadRequest if it is unknown or inconsistent with ``over``."""
    if by not in ("mean", "zero", "resample"):
        raise BadRequest(
            f"by={quote(repr(by), 60)} is not a replacement; use 'mean' or 'zero', or 'resample' with over="
        )
    if by == "resample" and over is None:
        raise BadRequest("by='resample' needs prompts to take stores from: give over=, a run of them")
    if by == "zero" and over is not None:
        raise BadRequest("by='zero' takes nothing from over=; leave one of them out")
    return by


def places_of(at: At) -> tuple[Place, ...] | None:
    """The distinct tokens of an edit: indices, or texts to be found in the prompt later. Raises BadRequest."""
    if at is None:
        return None
    given = [at] if isinstance(at, str) or not isinstance(at, Sequence) else at
    if not given or not all(_is_place(token) for token in given):
        raise BadRequest(f"at={quote(repr(at), 40)}: expected the index or the text of a token, or several")
    return tuple(dict.fromkeys(token if isinstance(token, str) else int(token) for token in given))


def _is_place(token: object) -> bool:
    return bool(token) if isinstance(token, str) else hasattr(token, "__index__") and type(token) is not bool


def indices_of(places: tuple[Place, ...] | None) -> tuple[int, ...] | None:
    """Those places that are indices."""
    return None if places is None else tuple(token for token in places if not isinstance(token, str))


def channels_of(channel: Channel) -> tuple[int, ...] | None:
    """Channel numbers, from 1. Raises BadRequest."""
    if channel is None:
        return None
    numbers = tuple(channel) if isinstance(channel, range) else (channel,)
    if not numbers or not all(type(number) is int and number >= 1 for number in numbers):
        raise BadRequest(f"channel={quote(repr(channel), 40)}: expected a number from 1, or a range of them")
    return numbers


def refuse_channels(writer: Writer, channels: tuple[int, ...] | None) -> None:
    """Raise BadRequest if channels are given for a writer that is not a head."""
    if channels is not None and writer.kind != "head":
        raise BadRequest(f"{writer} is not a head; only what a head stores is edited by channel=")


def is_single(site: Site | Sequence[Site]) -> bool:
    """Whether this names exactly one site that a parser accepts, so not a list, a glob or a stream."""
    if isinstance(site, str):
        return not is_glob(site) and not site.strip().lower().endswith(".stream")
    return not isinstance(site, Sequence)


def names_of(sites: Site | Sequence[Site]) -> tuple[str, ...]:
    """The names and globs of one or several sites. Raises BadRequest for an empty list."""
    listed = [sites] if isinstance(sites, str) or not isinstance(sites, Sequence) else sites
    if not listed:
        raise BadRequest("an empty list names no site; give names or globs, such as 'L1.H*'")
    return tuple(str(site) for site in listed)
