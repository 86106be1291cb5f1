"""Moments of every writer's stores, and of queries and keys, on a corpus: all data that traffic needs.

They determine the covariance of a writer's store, scaled by a reader's norm, for any wire,

    u_t = (w_t − w̄)/σ_t        Σ_w = E uᵀu        w̄ and E over all tokens but the first of each piece

where σ is the reader's frozen norm. For a head, u is its z times W_O, so Σ_w = W_Oᵀ Σ_z W_O.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from loadstore.corpora.corpus import DEFAULT, Corpus, Source, read_corpus
from loadstore.errors import Undefined
from loadstore.execution.run import run
from loadstore.model.globs import matching
from loadstore.model.points import Point
from loadstore.model.ports import Bank, banks, points, reading, reading_at, writing
from loadstore.model.weights import Weights
from loadstore.model.wiring import mlp_sites, wiring
from loadstore.progress import Progress
from loadstore.sites import Reader, Writer
from loadstore.wire_traffic.met import MET, Met, met
from loadstore.wire_traffic.spool import spool

GROUPS = 32  # groups of documents for standard errors


@dataclass(frozen=True, eq=False)
class Moments:
    """One corpus, run once. The tokens of all pieces are concatenated.

    ``z`` and ``mlp`` are the heads' mixed values and the MLPs' stores, ``inverse_scale`` is 1/σ at every point. ``met``
    holds the summed moments M of each group, a row for each of ``layers`` in order: those of the requested readers.
    ``value_scales``: 1/σ of the latents through which values of a layer load, where there are any. ``parts``: the
    stores of experts and shared units by layer, where these are sites. ``group``
    numbers the documents; if there are more than 32, neighbouring documents share a group. Standard errors are over
    groups.
    """

    weights: Weights
    corpus: str
    documents: int
    tokens: Int[Tensor, " token"]
    position: Int[Tensor, " token"]
    group: Int[Tensor, " token"]
    z: Float[Tensor, "layer token head d_value"]
    mlp: Float[Tensor, "layer token d_model"] | None
    inverse_scale: dict[Point, Float[Tensor, " token"]]
    met: dict[Met, Float[Tensor, "row group head d_head d_head"]]
    layers: frozenset[int]
    value_scales: dict[int, Float[Tensor, " token"]]
    parts: dict[int, Float[Tensor, "token writer d_model"]]

    @cached_property
    def later(self) -> Bool[Tensor, " token"]:
        """Mask of the tokens that are not the first of their piece; means are over these."""
        return self.position > 0

    @property
    def groups(self) -> int:
        """The number of groups of documents."""
        return int(self.group[-1]) + 1

    def stored(self, bank: Bank) -> Float[Tensor, "token writer inner"]:
        """Recorded values minus their mean, at every token: for heads z − z̄, to be mapped by ``bank.out``."""
        rows = self._inner(bank)
        if bank.constant:
            return torch.zeros_like(rows)
        if bank.writers not in self.centres:
            self.centres[bank.writers] = rows[self.later].mean(0)
        return rows - self.centres[bank.writers]

    @cached_property
    def centres(self) -> dict[tuple[Writer, ...], Tensor]:
        """The mean of every bank's recorded values that was asked for: asked once for each point, computed once."""
        return {}

    def _inner(self, bank: Bank) -> Float[Tensor, "token writer inner"]:
        writer = bank.writers[0]
        if bank.out is not None:
            z, index = self.z[writer.layer], [each.index for each in bank.writers]
            return z if len(index) == z.shape[1] else z[:, index]
        rows = writing(self.weights, writer).given(self.tokens, self.position)
        if rows is not None:
            return rows[:, None]
        if writer.is_part:
            return self.parts[writer.layer][:, writer.index][:, None]  # the shared units, with index −1, are last
        assert self.mlp is not None
        return self.mlp[writer.layer][:, None]

    def mean(self, writer: Writer) -> Float[Tensor, " d_model"]:
        """w̄: the mean of a writer's store."""
        constant = writing(self.weights, writer).constant
        if constant is not None:
            return constant
        (bank,) = banks(self.weights, [writer])
        return bank.sent(self._inner(bank)[self.later].mean(0))[0]

    @cached_property
    def means(self) -> dict[Writer, Tensor]:
        """w̄ of every writer."""
        return {writer: self.mean(writer) for writer in wiring(self.weights).writers}

    def pieces(self) -> list[tuple[int, Int[Tensor, " token"]]]:
        """The pieces of text in the order of the run, each with its group."""
        starts = (~self.later).nonzero()[:, 0].tolist()
        ends = [*starts[1:], len(self.tokens)]
        return [(int(self.group[start]), self.tokens[start:end]) for start, end in zip(starts, ends, strict=True)]

    def covariance(self, writer: Writer | str, reader: Reader | str) -> Float[Tensor, "d_model d_model"]:
        """Σ_w = E uᵀu of a writer, scaled by a reader's norm and centred if the norm centres; without the gain γ.

        Raises NoSuchSite, NoSuchWire.
        """
        weights = self.weights
        writer, reader = wiring(weights).wire(writer, reader)
        (bank,) = banks(weights, [writer])
        port, rows = reading(weights, reader), bank.sent(self.stored(bank))[:, 0]
        if not bank.bypasses_norm:
            rows = port.centred(rows) * self.inverse_scale[port.point][:, None]
        rows = rows[self.later]
        return rows.mT @ rows / len(rows)


def moments(
    weights: Weights,
    corpus: Source | Corpus = DEFAULT,
    *,
    readers: str | Sequence[str] = "*",
    tokens: int | None = None,
    length: int | None = None,
    progress: Progress | None = None,
) -> Moments:
    """Run every piece of a corpus and keep the moments needed for traffic into ``readers`` (globs).

    The moments M of queries and keys take most of the time; they are measured only in the layers of those readers.

    Args:
        weights: The model.
        corpus: The shipped corpus, a folder, a file, texts, token ids, or a result of ``read_corpus``.
        readers: Globs of readers.
        tokens: Read at most this many tokens of the corpus.
        length: The length of a piece, in tokens.
        progress: Called with (done, total) counts of pieces.

    Returns:
        Moments, which ``ls.traffic``, ``ls.wires``, ``ls.audit`` and others accept as ``corpus``.

    Raises:
        NoSuchSite: A glob matches nothing.
        Undefined: No token of the corpus has another before it.
        BadRequest: The corpus does not exist or is empty.

    Example:
        >>> import loadstore as ls
        >>> model = ls.load("builtin")
        >>> texts = ["the cat sat on the mat. the dog sat on the log.", "one two three one two three"]
        >>> moments = ls.statistics.moments(model, texts)
        >>> ls.traffic(model, moments, readers="L1.H4.K").sizes["reader"]
        1
    """
    network = wiring(weights)
    if not isinstance(corpus, Corpus):
        corpus = read_corpus(weights, corpus, length=length, tokens=tokens)
    sides = [reader for reader in matching(network.readers, readers, network.reader) if reader.side in ("Q", "K")]
    layers = frozenset(reader.layer for reader in sides)
    shape, pieces = weights.architecture, [(d, p) for d, document in enumerate(corpus.documents) for p in document]
    total = sum(len(piece) for _, piece in pieces)
    if total == len(pieces):
        raise Undefined(f"every piece of {corpus.name} is one token long; traffic is about tokens that follow others")
    z = spool(weights, shape.n_layers, total, shape.n_heads, shape.value_width)
    mlp = None if shape.mlp is None else spool(weights, shape.n_layers, total, shape.d_model)
    of_parts = {
        layer: spool(weights, total, len(mlp_sites(weights, layer)[0]), shape.d_model)
        for layer in weights.experts_as_sites
    }
    documents = len(corpus.documents)
    groups = min(documents, GROUPS)
    square = (shape.n_heads, shape.d_head, shape.d_head)
    rows = {layer: row for row, layer in enumerate(sorted(layers))}
    sums: dict[Met, Tensor] = {what: spool(weights, len(rows), groups, *square) for what in MET}
    scales: dict[Point, list[Tensor]] = {point: [] for point in points(weights)}
    values: dict[int, list[Tensor]] = {}
    at = 0
    for done, (document, piece) in enumerate(pieces, 1):
        record = run(weights, piece[None], record=True).record
        span = slice(at, at + len(piece))
        for index, layer in enumerate(record.layers):
            z[index, span] = layer.inner[0]
            if mlp is not None and layer.mlp is not None:
                mlp[index, span] = layer.mlp[0]
            if layer.v_scale is not None:
                values.setdefault(index, []).append(layer.v_scale[0, :, 0, 0])
            if layer.parts is not None:
                of_parts[index][span] = layer.parts[0]
            for what, inside in met(layer, shape, index).items() if index in rows else ():
                sums[what][rows[index], document * groups // documents] += inside
        for point, parts in scales.items():
            scale = record.scale(reading_at(weights, point).scale)
            assert scale is not None
            parts.append(scale[0, :, 0])
        at += len(piece)
        if progress is not None:
            progress(done, len(pieces))
    lengths = [len(piece) for _, piece in pieces]
    group = torch.tensor([document * groups // documents for document, _ in pieces])
    return Moments(
        weights,
        corpus.name,
        documents,
        torch.cat([piece for _, piece in pieces]),
        torch.cat([torch.arange(length) for length in lengths]),
        torch.repeat_interleave(group, torch.tensor(lengths)),
        z,
        mlp,
        {point: torch.cat(each) for point, each in scales.items()},
        sums,
        layers,
        {index: torch.cat(each) for index, each in values.items()},
        of_parts,
    )
