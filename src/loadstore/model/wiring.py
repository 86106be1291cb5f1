"""Which writer can reach which reader. No other module decides this."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from weakref import WeakKeyDictionary

import numpy as np

from loadstore.errors import NoSuchSite, NoSuchWire
from loadstore.model.weights import Weights
from loadstore.sites import EMBED, POS, SIDES, UNEMBED, Head, Reader, Writer, parse_reader, parse_writer


@dataclass(frozen=True)
class Wiring:
    """Writers and readers in depth order; ``connects`` defines which pairs exist.

    Heads of one layer do not read each other; an MLP reads its own layer's heads unless the block is parallel. A
    learned ``pos`` is in the stream, so every reader can load it. A shortformer ``pos`` reaches only Q and K, of every
    head in every layer. Models with rotary positions, with ALiBi or without positions have no ``pos``.
    """

    writers: tuple[Writer, ...]
    readers: tuple[Reader, ...]
    shortformer: bool
    parallel: bool
    model: str

    def connects(self, writer: Writer, reader: Reader) -> bool:
        """Whether the architecture has this wire."""
        if writer.kind == "pos" and self.shortformer:
            return reader.side in ("Q", "K")
        return reader.is_unembed or self._stored(writer) < self._loaded(reader.layer, mlp=reader.is_mlp)

    def _stored(self, writer: Writer) -> int:
        """The time at which a writer stores: two steps per layer, attention and MLP; −1 before the first layer."""
        return -1 if writer.layer < 0 else self._loaded(writer.layer, mlp=writer.in_mlp)

    def _loaded(self, layer: int, *, mlp: bool) -> int:
        return 2 * layer + (mlp and not self.parallel)

    @cached_property
    def exists(self) -> np.ndarray:
        """Boolean matrix [writer, reader]."""
        return self.between(self.writers, self.readers)

    def between(self, writers: Sequence[Writer], readers: Sequence[Reader]) -> np.ndarray:
        """Boolean matrix [writer, reader] of the given sites."""
        columns: dict[tuple[int, str], list[bool]] = {}  # the readers of one side in one layer have the same writers
        for reader in readers:
            if (reader.layer, reader.side) not in columns:
                columns[reader.layer, reader.side] = [self.connects(writer, reader) for writer in writers]
        return np.array([columns[reader.layer, reader.side] for reader in readers]).T

    def writers_of(self, reader: Reader) -> tuple[Writer, ...]:
        """Every writer that ``reader`` can load from, in depth order."""
        return tuple(writer for writer in self.writers if self.connects(writer, reader))

    def can_change(self, reader: Reader, head: Head) -> bool:
        """Whether ``reader`` can change the pattern of ``head``: it is one of its own sides, or in a lower layer."""
        if reader.is_unembed or reader.layer > head.layer:
            return False
        return reader.layer < head.layer or (not reader.is_mlp and reader.head == head)

    def writer(self, name: Writer | str) -> Writer:
        """Find a writer by name. Raises NoSuchSite and names the nearest writer."""
        writer = parse_writer(name)
        if writer in self.writers:
            return writer
        raise NoSuchSite(f"no writer {writer}: {self.model} has {_some(self.writers)}.{self._nearest(writer)}")

    def reader(self, name: Reader | str) -> Reader:
        """Find a reader by name. Raises NoSuchSite and names the nearest reader."""
        reader = parse_reader(name)
        if reader in self.readers:
            return reader
        raise NoSuchSite(f"no reader {reader}: {self.model} has {_some(self.readers)}.{self._nearest(reader)}")

    def wire(self, writer: Writer | str, reader: Reader | str) -> tuple[Writer, Reader]:
        """Find a wire by its ends. Raises NoSuchWire when the architecture does not connect them."""
        source, target = self.writer(writer), self.reader(reader)
        if self.connects(source, target):
            return source, target
        why = (
            "shortformer positions are added to the inputs of Q and K only"
            if source.kind == "pos"
            else f"{source} stores after {target} has loaded"
        )
        raise NoSuchWire(f"no wire {source} → {target}: {why}")

    def _nearest(self, site: Writer | Reader) -> str:
        """A phrase that names the existing site of the same kind nearest in layer and index."""
        if isinstance(site, Reader):
            same = [(r.layer, r.index, str(r)) for r in self.readers if r.side == site.side]
        else:
            same = [(w.layer, w.index, str(w)) for w in self.writers if w.kind == site.kind]
        if not same:
            on_request = f" Experts are sites on request: with_experts({site.layer}), or --experts {site.layer}."
            return on_request if site.is_part else ""
        return f" Nearest: {min(same, key=lambda s: (abs(s[0] - site.layer), abs(s[1] - site.index)))[2]}."


def _some(sites: tuple[Writer, ...] | tuple[Reader, ...]) -> str:
    names = [str(site) for site in sites]
    return ", ".join(names if len(names) <= 6 else [*names[:3], "…", *names[-2:]])


_WIRINGS: WeakKeyDictionary[Weights, Wiring] = WeakKeyDictionary()


def wiring(weights: Weights) -> Wiring:
    """Return the wiring of a model: ``embed``, ``pos``, then each layer's heads, its bias and its MLP."""
    if weights not in _WIRINGS:
        _WIRINGS[weights] = _wiring(weights)
    return _WIRINGS[weights]


def mlp_sites(weights: Weights, layer: int) -> tuple[tuple[Writer, ...], tuple[Reader, ...]]:
    """The writers and readers of a layer's MLP: itself, or its experts where these are sites of their own."""
    mixture = weights.architecture.experts_of(layer)
    if layer not in weights.experts_as_sites or mixture is None:
        return (Writer("mlp", layer),), (Reader(layer, -1, "mlp"),)
    experts = range(mixture.count)
    shared = weights.architecture.shared_width > 0
    writers = [Writer("expert", layer, index) for index in experts] + [Writer("shared", layer)] * shared
    readers = [Reader(layer, -1, "router"), *(Reader(layer, index, "expert") for index in experts)]
    return tuple(writers), (*readers, *[Reader(layer, -1, "shared")] * shared)


def _wiring(weights: Weights) -> Wiring:
    shape = weights.architecture
    writers = [EMBED, POS] if shape.has_pos else [EMBED]
    readers: list[Reader] = []
    for layer in range(shape.n_layers):
        heads = range(shape.n_heads)
        readers += [Reader(layer, index, side) for index in heads for side in SIDES]
        writers += [Writer("head", layer, index) for index in heads]
        if weights.layers[layer].b_O is not None:
            writers.append(Writer("bias", layer))
        if shape.mlp is not None:
            stores, loads = mlp_sites(weights, layer)
            writers += stores
            readers += loads
    parallel = shape.mlp is not None and shape.mlp.parallel
    shortformer = shape.positions == "shortformer"
    return Wiring(tuple(writers), (*readers, UNEMBED), shortformer, parallel, weights.name)
