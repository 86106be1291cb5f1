"""Edits are data: an edited run is ``run(model, prompt, edits=[…])``; nothing is hooked, nothing to reset.

What each computes: docs/interventions.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from torch import Tensor

from loadstore.bounds import Seed
from loadstore.errors import BadRequest
from loadstore.execution.record import Pass
from loadstore.quote import quote
from loadstore.sites import Head, Reader, Writer, parse_reader, parse_writer

By: TypeAlias = Literal["mean", "zero", "resample"]
What: TypeAlias = Literal["patterns", "norms"]
At: TypeAlias = int | Sequence[int] | None
Channel: TypeAlias = int | range | None


@dataclass(frozen=True, slots=True)
class Ablate:
    """Replace what a writer stores, for every reader at once."""

    writer: Writer
    by: By
    over: Pass | None = field(default=None, repr=False)
    at: tuple[int, ...] | None = None
    channel: tuple[int, ...] | None = None
    seed: Seed = 0

    def __str__(self) -> str:
        return f"ablate {self.writer} by {self.by}{_rest(self)}"


@dataclass(frozen=True, slots=True)
class Cut:
    """Remove what one writer stores from the input of one reader; everyone else still sees it."""

    writer: Writer
    reader: Reader
    by: By
    over: Pass | None = field(default=None, repr=False)
    at: tuple[int, ...] | None = None
    channel: tuple[int, ...] | None = None
    seed: Seed = 0

    def __str__(self) -> str:
        return f"cut {self.writer} → {self.reader} by {self.by}{_rest(self)}"


@dataclass(frozen=True, slots=True)
class Patch:
    """Put what a writer stored in another run in the place of what it stores here, for all readers or for one."""

    writer: Writer
    source: Pass = field(repr=False)
    reader: Reader | None = None
    at: tuple[int, ...] | None = None
    channel: tuple[int, ...] | None = None

    def __str__(self) -> str:
        return f"patch {self.writer}{'' if self.reader is None else f' → {self.reader}'}{_rest(self)}"


@dataclass(frozen=True, slots=True)
class Freeze:
    """Take the patterns of some heads, or the scales of all norms, from another run."""

    what: What
    source: Pass = field(repr=False)
    heads: tuple[str, ...] = ("*",)

    def __str__(self) -> str:
        return f"freeze {self.what}{'' if self.what == 'norms' else ' of ' + ', '.join(self.heads)}"


@dataclass(frozen=True, slots=True, eq=False)
class Deny:
    """Take the rows of a subspace out of what one reader loads, or out of what one writer stores."""

    site: Reader | Writer
    rows: Tensor = field(repr=False)

    def __str__(self) -> str:
        return f"deny {self.site} {len(self.rows)} directions"


Replacing: TypeAlias = Ablate | Cut | Patch
Edit: TypeAlias = Replacing | Freeze | Deny


def ablate(
    writer: Writer | Head | str,
    *,
    by: By = "mean",
    over: Pass | None = None,
    at: At = None,
    channel: Channel = None,
    seed: Seed = 0,
) -> Ablate:
    """Replace a writer's store by its mean, by zero, or by that of another prompt.

    by="mean": over all prompts and tokens of ``over``, or else of the run, the first position left out.
    by="resample": of a prompt of ``over``, drawn for each prompt of the run (``seed``), at the same position.
    ``at``: at these tokens only. ``channel``: one or a range of a head's channels, numbered from 1 as in ``channels``;
    the rest of the store stays. Raises BadRequest.
    """
    source = parse_writer(writer)
    return Ablate(source, _known(by, over), over, _tokens(at), _channels(source, channel), seed)


def cut(
    writer: Writer | Head | str,
    reader: Reader | str,
    *,
    by: By = "mean",
    over: Pass | None = None,
    at: At = None,
    channel: Channel = None,
    seed: Seed = 0,
) -> Cut:
    """Remove a writer's store, less what ``ablate`` would put there, from one reader's input, norm scales frozen."""
    source, target = parse_writer(writer), parse_reader(reader)
    return Cut(source, target, _known(by, over), over, _tokens(at), _channels(source, channel), seed)


def patch(
    writer: Writer | Head | str,
    source: Pass,
    *,
    reader: Reader | str | None = None,
    at: At = None,
    channel: Channel = None,
) -> Patch:
    """Replace a writer's store by what it stored in ``source``, a run of the same model on prompts as long.

    Without ``reader`` for all readers (activation patching); with one for that reader alone, norm scales frozen as in
    a cut (path patching). ``at``, ``channel``: those of ``ablate``. Raises BadRequest.
    """
    site = parse_writer(writer)
    target = None if reader is None else parse_reader(reader)
    return Patch(site, source, target, _tokens(at), _channels(site, channel))


def freeze(what: What, source: Pass, *, heads: str | Sequence[str] = "*") -> Freeze:
    """Take patterns (of all heads, or of those that globs name) or the 1/σ of all norms from ``source``.

    What is cut from the Q or K of a head with a frozen pattern changes nothing. Raises BadRequest.
    """
    if what not in ("patterns", "norms"):
        raise BadRequest(f"what={quote(repr(what), 40)} cannot be frozen; use 'patterns' or 'norms'")
    globs = (heads,) if isinstance(heads, str) else tuple(heads)
    if what == "norms" and globs != ("*",):
        raise BadRequest("norms are frozen all together; heads= is for patterns")
    return Freeze(what, source, globs)


def reader_of(edit: Edit) -> Reader | None:
    """The reader whose input alone an edit changes; None where everyone sees the change."""
    if isinstance(edit, Deny):
        return edit.site if isinstance(edit.site, Reader) else None
    return None if isinstance(edit, Ablate | Freeze) else edit.reader


def writer_of(edit: Edit) -> Writer | None:
    """The writer whose store an edit changes or takes from a reader; None for a frozen part and a denied reader."""
    if isinstance(edit, Deny):
        return edit.site if isinstance(edit.site, Writer) else None
    return None if isinstance(edit, Freeze) else edit.writer


def source_of(edit: Edit) -> Pass | None:
    """The other run that an edit takes something from."""
    if isinstance(edit, Deny):
        return None
    return edit.over if isinstance(edit, Ablate | Cut) else edit.source


def _known(by: By, over: Pass | None) -> By:
    if by not in ("mean", "zero", "resample"):
        raise BadRequest(f"by={by!r} is not a replacement; use 'mean' or 'zero', or 'resample' with over=")
    if by == "resample" and over is None:
        raise BadRequest("by='resample' needs prompts to take stores from: give over=, a run of them")
    if by == "zero" and over is not None:
        raise BadRequest("by='zero' takes nothing from over=; leave one of them out")
    return by


def _tokens(at: At) -> tuple[int, ...] | None:
    if at is None:
        return None
    indices = at if isinstance(at, Sequence) else [at]
    if not indices or isinstance(at, str) or not all(hasattr(i, "__index__") and type(i) is not bool for i in indices):
        raise BadRequest(f"at={quote(repr(at), 40)}: expected the index of a token, or several")
    return tuple(dict.fromkeys(int(i) for i in indices))


def _channels(writer: Writer, channel: Channel) -> tuple[int, ...] | None:
    if channel is None:
        return None
    numbers = tuple(channel) if isinstance(channel, range) else (channel,)
    if not numbers or not all(type(number) is int and number >= 1 for number in numbers):
        raise BadRequest(f"channel={quote(repr(channel), 40)}: expected a number from 1, or a range of them")
    if writer.kind != "head":
        raise BadRequest(f"{writer} is no head; only what a head stores is edited by channel=")
    return numbers


def _rest(edit: Replacing) -> str:
    at = "" if edit.at is None else f" at {', '.join(map(str, edit.at))}"
    return at + ("" if edit.channel is None else f", channel {', '.join(map(str, edit.channel))}")
