"""The kinds of edits, as values: frozen and comparable."""

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
    """Replace what a writer stores, for every reader at once."""

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
    """Remove what one writer stores from the input of one reader; everyone else still sees it."""

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
    """Put what a writer stored in another run in the place of what it stores here, for all readers or for one."""

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
    """Take the rows of a subspace out of what one reader loads, or out of what one writer stores."""

    site: Reader | Writer
    rows: Tensor = field(repr=False)

    def __str__(self) -> str:
        return f"deny {self.site} {len(self.rows)} directions"


Replacing: TypeAlias = Ablate | Cut | Patch
Edit: TypeAlias = Replacing | Freeze | Deny


@dataclass(frozen=True, slots=True)
class Several:
    """One edit of all sites that names and globs name, at tokens that may be named by their text.

    A run makes it an edit of each site (``expanded``).

    Args:
        edit: The edit, of no particular site.
        writers: Names and globs of writers.
        readers: Names and globs of readers; None where the edit is of all readers.
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


def _rest(at: tuple[Place, ...] | None, channel: tuple[int, ...] | None) -> str:
    tokens = "" if at is None else f" at {', '.join(visible(str(token)) for token in at)}"
    return tokens + ("" if channel is None else f", channel {', '.join(map(str, channel))}")
