"""The kinds of edits, as frozen, comparable values."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from torch import Tensor

from loadstore.bounds import Seed
from loadstore.execution.options import By, Place
from loadstore.execution.record import Pass
from loadstore.sites import Head, Reader, Writer
from loadstore.visible import visible

What: TypeAlias = Literal["patterns", "norms"]


@dataclass(frozen=True, slots=True)
class Ablate:
    """Replace a writer's store for all readers."""

    writer: Writer
    by: By
    over: Pass | None = field(default=None, repr=False)
    at: tuple[int, ...] | None = None
    channel: tuple[int, ...] | None = None
    seed: Seed = 0

    def __str__(self) -> str:
        return f"ablate {self.writer} by {self.by}{_rest(self.at, self.channel)}"


@dataclass(frozen=True, slots=True)
class Cut:
    """Remove one writer's store from the input of one reader; all other readers still load it."""

    writer: Writer
    reader: Reader
    by: By
    over: Pass | None = field(default=None, repr=False)
    at: tuple[int, ...] | None = None
    channel: tuple[int, ...] | None = None
    seed: Seed = 0

    def __str__(self) -> str:
        return f"cut {self.writer} → {self.reader} by {self.by}{_rest(self.at, self.channel)}"


@dataclass(frozen=True, slots=True)
class Patch:
    """Replace a writer's store by its store in another run, for all readers or for one."""

    writer: Writer
    source: Pass = field(repr=False)
    reader: Reader | None = None
    at: tuple[int, ...] | None = None
    channel: tuple[int, ...] | None = None

    def __str__(self) -> str:
        return f"patch {self.writer}{'' if self.reader is None else f' → {self.reader}'}{_rest(self.at, self.channel)}"


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
    """Remove a subspace from one reader's input or from one writer's store."""

    site: Reader | Writer
    rows: Tensor = field(repr=False)

    def __str__(self) -> str:
        return f"deny {self.site} {len(self.rows)} directions"


Replacing: TypeAlias = Ablate | Cut | Patch
Edit: TypeAlias = Replacing | Freeze | Deny


@dataclass(frozen=True, slots=True)
class Several:
    """One edit of all sites that match names or globs, at tokens that may be given by text.

    A run expands it to one edit per site (``expanded``).

    Args:
        edit: The edit; its own sites are placeholders.
        writers: Names and globs of writers.
        readers: Names and globs of readers; None if the edit applies to all readers.
        at: The tokens; None for all.
    """

    edit: Replacing
    writers: tuple[str, ...]
    readers: tuple[str, ...] | None
    at: tuple[Place, ...] | None

    def __str__(self) -> str:
        verb = type(self.edit).__name__.lower()
        ends = ", ".join(self.writers) + ("" if self.readers is None else f" → {', '.join(self.readers)}")
        by = "" if isinstance(self.edit, Patch) else f" by {self.edit.by}"
        return f"{verb} {ends}{by}{_rest(self.at, self.edit.channel)}"


Asked: TypeAlias = Edit | Several
Writers: TypeAlias = Writer | Head | str | Sequence[Writer | Head | str]
Readers: TypeAlias = Reader | str | Sequence[Reader | str]


def reader_of(edit: Edit) -> Reader | None:
    """The only reader whose input an edit changes; None if the edit applies to all readers."""
    if isinstance(edit, Deny):
        return edit.site if isinstance(edit.site, Reader) else None
    return None if isinstance(edit, Ablate | Freeze) else edit.reader


def writer_of(edit: Edit) -> Writer | None:
    """The writer whose store an edit changes or removes; None for a frozen part or a denied reader."""
    if isinstance(edit, Deny):
        return edit.site if isinstance(edit.site, Writer) else None
    return None if isinstance(edit, Freeze) else edit.writer


def source_of(edit: Edit) -> Pass | None:
    """The other run that an edit takes values from, if any."""
    if isinstance(edit, Deny):
        return None
    return edit.over if isinstance(edit, Ablate | Cut) else edit.source


def _rest(at: tuple[Place, ...] | None, channel: tuple[int, ...] | None) -> str:
    tokens = "" if at is None else f" at {', '.join(visible(str(token)) for token in at)}"
    return tokens + ("" if channel is None else f", channel {', '.join(map(str, channel))}")
