"""Expands an edit of several sites once the model and the prompts are known: one edit for each site."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

from loadstore.errors import NoSuchSite, NoSuchWire
from loadstore.execution.kinds import Ablate, Asked, Edit, Replacing, Several
from loadstore.execution.options import Place, refuse_channels
from loadstore.execution.positions import token_index
from loadstore.execution.record import Pass
from loadstore.model.globs import is_glob, matching
from loadstore.model.weights import Weights
from loadstore.model.wiring import Wiring, wiring
from loadstore.quote import quote
from loadstore.sites import Reader, Writer

STREAM = ".stream"


def streams(weights: Weights) -> tuple[Writer, ...]:
    """Pseudo-writers for edits of the residual stream: the stream before each layer."""
    return tuple(Writer("stream", layer) for layer in range(weights.architecture.n_layers))


def writers_named(weights: Weights, names: str | Sequence[str]) -> list[Writer]:
    """The writers that match the names and globs, in depth order, streams last. Raises NoSuchSite."""
    network, listed = wiring(weights), [names] if isinstance(names, str) else names
    writers: list[Writer] = []
    own = [name for name in listed if not name.strip().lower().endswith(STREAM)]
    if own or not listed:
        writers += matching(network.writers, own, network.writer)
    if len(own) < len(listed):
        writers += matching(streams(weights), [name for name in listed if name not in own], partial(_stream, weights))
    return writers


def _stream(weights: Weights, name: str) -> Writer:
    """Find one stream by name. Raises NoSuchSite."""
    for stream in streams(weights):
        if str(stream).lower() == name.strip().lower():
            return stream
    last = streams(weights)[-1]
    raise NoSuchSite(f"no stream {quote(name, 40)}: {weights.name} has L0{STREAM} to {last}")


def expanded(prompts: Pass, edits: Sequence[Asked]) -> tuple[Edit, ...]:
    """Return the edits, with every edit of several sites expanded to one edit per site.

    Args:
        prompts: The model and its prompts. The record of the pass is not used.
        edits: Edits of single sites, which are kept, and of several sites.

    Raises:
        NoSuchSite: A name or glob matches nothing.
        NoSuchWire: No wire leads from the writers to the readers, or a named writer cannot reach a named reader.
        BadRequest: A text is not exactly one token, or channels are given for a writer that is not a head.
    """
    return tuple(each for edit in edits for each in (_each(prompts, edit) if isinstance(edit, Several) else [edit]))


def _each(prompts: Pass, several: Several) -> Iterator[Replacing]:
    at = None if several.at is None else tuple(dict.fromkeys(_place(prompts, token) for token in several.at))
    edit, network = several.edit, wiring(prompts.weights)
    writers = writers_named(prompts.weights, several.writers)
    for writer in writers:
        refuse_channels(writer, edit.channel)
    if several.readers is None or isinstance(edit, Ablate):
        for writer in writers:
            yield replace(edit, writer=writer, at=at)
        return
    for writer, reader in _wires(network, writers, several):
        yield replace(edit, writer=writer, reader=reader, at=at)


def _place(prompts: Pass, token: Place) -> int:
    return token_index(prompts, token) if isinstance(token, str) else token


def _wires(network: Wiring, writers: Sequence[Writer], several: Several) -> list[tuple[Writer, Reader]]:
    """The existing wires among the named sites. If no name is a glob, all of them must exist."""
    assert several.readers is not None
    readers = matching(network.readers, several.readers, network.reader)
    pairs = [(writer, reader) for reader in readers for writer in writers]
    if not any(map(is_glob, (*several.writers, *several.readers))):
        return [network.wire(writer, reader) for writer, reader in pairs]
    wires = [pair for pair in pairs if network.connects(*pair)]
    if not wires:
        raise NoSuchWire(f"{several} names no wire: its writers store after its readers have loaded")
    return wires
