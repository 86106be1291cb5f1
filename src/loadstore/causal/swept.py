"""The edits of a sweep: every selected wire or writer, at all tokens, at one, or at each separately."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from loadstore.errors import BadRequest, NoSuchWire, Undefined
from loadstore.execution.kinds import Ablate, Cut, Edit, Patch
from loadstore.execution.options import By
from loadstore.execution.positions import At, token_index
from loadstore.execution.several import writers_named
from loadstore.execution.trace import Trace
from loadstore.model.where import asked_for
from loadstore.model.wiring import Wiring, wiring
from loadstore.quote import quote
from loadstore.sites import Reader, Writer

Wire: TypeAlias = tuple[Writer, Reader]
Wires: TypeAlias = str | Sequence[str] | Sequence[tuple[Writer | str, Reader | str]]
EACH = "each"


@dataclass(frozen=True)
class Swept:
    """The sites of a sweep, and the tokens at which they are edited.

    Args:
        wires: The wires; empty if writers are swept.
        writers: The writers whose stores are edited for all readers; empty if wires are swept.
        tokens: The tokens, each edited separately; None for all tokens at once.
        each: Whether the result has a token axis.
    """

    wires: tuple[Wire, ...]
    writers: tuple[Writer, ...]
    tokens: tuple[int, ...] | None
    each: bool

    def edits(self, trace: Trace, source: Trace | None, by: By) -> Iterator[Edit]:
        """One edit for each site and token, tokens innermost."""
        over = trace if by == "mean" else None  # the mean of the run itself, known before rerunning
        for at in [None] if self.tokens is None else [(token,) for token in self.tokens]:
            for writer in self.writers:
                yield Ablate(writer, by, over, at) if source is None else Patch(writer, source, None, at)
            for writer, reader in self.wires:
                yield Cut(writer, reader, by, None, at) if source is None else Patch(writer, source, reader, at)


def swept(trace: Trace, wires: Wires, at: At | None) -> Swept:
    """Parse the selection of a sweep. Raises NoSuchSite, NoSuchWire, BadRequest, Undefined."""
    each = at == EACH
    if each and trace.padded:
        raise Undefined("at='each' needs prompts of one length; sweep the prompts one by one")
    tokens = None if at is None else tuple(range(trace.tokens.shape[1])) if each else (_one(trace, at),)
    globs = [wires] if isinstance(wires, str) else [name for name in wires if isinstance(name, str)]
    if globs and len(globs) == (1 if isinstance(wires, str) else len(wires)):
        arrows = ["->" in glob or "→" in glob for glob in globs]
        if not any(arrows):
            return Swept((), tuple(writers_named(trace.weights, globs)), tokens, each)
        if not all(arrows):
            raise BadRequest(
                f"{', '.join(globs)}: expected globs of wires, '* -> L1.*.K', or globs of writers, 'L1.H*'"
            )
    return Swept(tuple(chosen_wires(wiring(trace.weights), wires)), (), tokens, each)


def _one(trace: Trace, at: At) -> int:
    """One token, common to all prompts. If prompts are padded, an index is kept: negative ones differ by prompt."""
    index = token_index(trace, at) if isinstance(at, str) or not trace.padded else at
    return int(index)


def chosen_wires(network: Wiring, wires: Wires) -> list[Wire]:
    """The distinct wires that match globs or pairs; globs select existing wires. Raises NoSuchSite, NoSuchWire."""
    if isinstance(wires, str) or (wires and all(isinstance(each, str) for each in wires)):
        globs = [wires] if isinstance(wires, str) else [str(each) for each in wires]
        writers, readers, asked = asked_for(network, "*", "*", globs)
        exists = asked & network.between(writers, readers)
        if not exists.any():
            raise NoSuchWire(
                f"{quote(', '.join(globs), 80)} names no wire: its writers store after its readers have loaded"
            )
        return [(writers[i], reader) for j, reader in enumerate(readers) for i in exists[:, j].nonzero()[0]]
    pairs = [each for each in wires if not isinstance(each, str)]
    if not pairs or len(pairs) < len(wires) or not all(len(pair) == 2 for pair in pairs):
        raise BadRequest(
            "wires= is one or several globs, '* -> L1.*.K' or (for writers) 'L1.H*', or a list of (writer, reader)"
        )
    return list(dict.fromkeys(network.wire(str(writer), str(reader)) for writer, reader in pairs))
