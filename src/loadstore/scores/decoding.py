"""Decodes a channel into tokens: those that make the writer store along it, and those that its reader matches with it.

Let v be the channel's direction, A the writer's map and B the reader's. For every token (or row) t,

    stored_t   a head: (W_E[t] − mean) W_OV vᵀ; embed, pos: (row t − mean) vᵀ; an MLP: W_out[t] vᵀ of a unit t
    loaded_t   Q: v W_QK W_E[t]ᵀ/√d_head, K: W_E[t] W_QK vᵀ/√d_head, minus the mean over t; V: v W_OV W_U and
               unembed: v W_U, centred; an MLP: v W_in of a unit t; for pos into Q and K, W_pos replaces W_E

Agreement is the cosine of the two over all tokens, ⟨stored, loaded⟩/(‖stored‖‖loaded‖). Near 1 the reader finds the
token that was stored, near −1 it avoids it, and near 0 it looks for others.

As A vᵀ = σ uᵀ, stored_t is σ (W_E[t] − mean)·u: it is largest for the tokens that the writer loads most through this
channel. The sign of a channel is arbitrary, as (u, v) and (−u, −v) are the same channel. Stored and loaded values share
one sign, chosen so that the largest store is +. Directions within a subspace V are arbitrary; for a subspace the norm
over its directions is given, as ±.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan

import torch
from jaxtyping import Float
from torch import Tensor

from loadstore.errors import BadRequest, Undefined
from loadstore.model.ports import Norms, ov, qk, reading, writing
from loadstore.model.weights import Weights
from loadstore.model.wiring import wiring
from loadstore.scores.channels import TOLERANCE, split_writer
from loadstore.scores.cores import meets
from loadstore.scores.moved import texts
from loadstore.scores.options import as_norms, as_offsets
from loadstore.scores.units import unit_name
from loadstore.scores.vocabulary import at_most_vocab
from loadstore.sites import EMBED, POS, UNEMBED, Head, Reader, Writer, parse_writer
from loadstore.threads import threads_for

MATCHING = {"Q": "whose keys match", "K": "whose queries match", "V": "promoted", "mlp": "excited", "": "promoted"}


@dataclass(frozen=True)
class Match:
    """One token, position or unit: its number, its text, and its stored_t or loaded_t."""

    index: int
    text: str
    value: float


@dataclass(frozen=True)
class ChannelTokens:
    """Both ends of a channel: the strongest matches by sign, "+" and "-", or "±" for a subspace.

    ``stored_as`` and ``loaded_as`` name the kind of the matches. ``stored`` is empty for a constant writer.
    ``agreement``, from -1 to 1, is NaN unless both ends are tokens or both are positions.
    """

    writer: str
    reader: str
    channel: int
    dimension: int
    strength: float
    stored_as: str
    stored: dict[str, tuple[Match, ...]]
    loaded_as: str
    loaded: dict[str, tuple[Match, ...]]
    agreement: float

    @property
    def text(self) -> str:
        """One line per sign: the stored matches, then the loaded ones."""
        ends = [(sign, self.stored.get(sign, ()), self.loaded[sign]) for sign in self.loaded]
        rows = [(sign, *(" ".join(match.text for match in end) or "-" for end in both)) for sign, *both in ends]
        return "\n".join(f"{sign} {stored}  →  {loaded}" for sign, stored, loaded in rows)


@threads_for(0)
def channel_tokens(
    weights: Weights,
    writer: Writer | Head | str,
    reader: Reader | str,
    channel: int,
    *,
    norms: Norms = "fold",
    offset: int | None = None,
    tolerance: float = TOLERANCE,
    top: int = 5,
) -> ChannelTokens:
    """Decode one channel of a wire, numbered as in ``channels``: the tokens at both ends, ``top`` of each sign.

    stored: (W_E[t] − mean) W_OV vᵀ, the store along v if the head loads only token t, up to that token's own 1/σ; for
    embed and pos, their own rows. loaded: the match at the reader's other end. On Q these are the keys, and on K the
    queries, whose scores v raises most; on V the tokens that its W_OV W_U promotes; at the unembedding those that v
    promotes. Both ends share one sign: the largest store is +. For a subspace, norms as ±. See docs/channels.md.

    Args:
        weights: The model.
        writer: The writer.
        reader: The reader.
        channel: The number of the channel, from 1.
        norms: ``"fold"`` folds the norms into the matrices, ``"ignore"`` omits them.
        offset: Query − key, for rotary positions.
        tolerance: As in ``channels``.
        top: How many tokens of each sign.

    Returns:
        ``stored`` and ``loaded``: tokens by sign.

    Raises:
        NoSuchSite, NoSuchWire, BadRequest: Sites that do not exist or are not connected, or an invalid ``channel``
            or ``top``.
        Undefined: ``channels`` is undefined, or ``offset`` is missing for Q or K under rotary positions.

    Example:
        >>> import loadstore as ls
        >>> model = ls.load("builtin")
        >>> ends = ls.vocabulary.channel_tokens(model, "L0.H7", "L1.H4.K", 1, top=2)
        >>> sorted(ends.stored)
        ['+', '-']
    """
    return wire_tokens(weights, writer, reader, [channel], top, norms, offset, tolerance=tolerance)[0]


def wire_tokens(
    weights: Weights,
    writer: Writer | Head | str,
    reader: Reader | str,
    channels: Sequence[int],
    top: int = 5,
    norms: Norms = "fold",
    offset: int | None = None,
    *,
    tolerance: float = TOLERANCE,
) -> list[ChannelTokens]:
    """Decode several channels of one wire at once, as ``channel_tokens`` does, and with the same errors."""
    norms, top = as_norms(norms), at_most_vocab(weights, top, "top")
    offsets = as_offsets(weights, offset)
    source, target = wiring(weights).wire(parse_writer(writer), reader)
    if not meets(weights, target, offsets):
        raise Undefined(f"offset={offset}: the window of {target} ends before it, so it meets no such key")
    split = split_writer(weights, source, [target], norms, tolerance)
    for channel in channels:
        if not 1 <= channel <= split.count:
            raise BadRequest(f"channel {channel}: {source} has the channels 1 to {split.count} for {target}")
    masks = [split.channel == channel - 1 for channel in channels]
    if not masks:
        return []
    directions, sizes = torch.cat([split.directions[mine] for mine in masks]).mT, [int(mine.sum()) for mine in masks]
    stored = stored_along(weights, source, norms, directions)
    loaded_as, loaded = _loaded(weights, source, target, norms, offset, directions)
    ends = zip(loaded.split(sizes, 1), [None] * len(sizes) if stored is None else stored.split(sizes, 1), strict=True)
    return [
        _decoded(weights, (source, target), channel, split.strengths[mine], mine_stored, (loaded_as, mine_loaded), top)
        for channel, mine, (mine_loaded, mine_stored) in zip(channels, masks, ends, strict=True)
    ]


def _decoded(
    weights: Weights,
    wire: tuple[Writer, Reader],
    channel: int,
    strengths: Float[Tensor, " m"],
    stored: Float[Tensor, "row m"] | None,
    load: tuple[str, Float[Tensor, "other m"]],
    top: int,
) -> ChannelTokens:
    """Decode one channel at both ends, with signs chosen so that the largest store is +."""
    (source, target), (loaded_as, loaded) = wire, load
    stored_as = writing(weights, source).row_is
    if single := len(strengths) == 1:
        largest = loaded if stored is None or not bool(stored.any()) else stored
        sign = largest.flatten()[largest.abs().argmax()].sign()
        stored, loaded = None if stored is None else stored * sign, loaded * sign
    return ChannelTokens(
        str(source),
        str(target),
        channel,
        len(strengths),
        float(strengths.square().mean().sqrt()),
        stored_as,
        {} if stored is None else strongest(weights, stored, top, stored_as, source, single=single),
        f"{loaded_as} {MATCHING['mlp' if target.is_mlp else target.side]}",
        strongest(weights, loaded, top, loaded_as, target, single=single),
        _agreement(stored, loaded) if stored is not None and stored_as == loaded_as != "units" else nan,
    )


def stored_along(
    weights: Weights, writer: Writer, norms: Norms, directions: Float[Tensor, "d_model m"]
) -> Float[Tensor, "row m"] | None:
    """The store of each token, position or unit along each direction; None for a constant."""
    port = writing(weights, writer)
    rows = port.along(directions, norms)
    return rows if rows is None or port.row_is == "units" else rows - rows.mean(0)


def _loaded(
    weights: Weights, writer: Writer, reader: Reader, norms: Norms, offset: int | None, directions: Tensor
) -> tuple[str, Float[Tensor, "row m"]]:
    """The kind of the rows at the reader's other end, and their values along each direction."""
    if reader.is_mlp:
        read = reading(weights, reader).map(norms).right
        return "units", read.mT @ directions.to(read)
    if reader.is_unembed or reader.side == "V":
        promoted = reading(weights, UNEMBED).map(norms).right
        directions = directions.to(promoted)
        if reader.side == "V":
            move = ov(weights, reader.head, norms)
            directions = (directions.mT @ move.left @ move.right).mT
        return "tokens", promoted.mT @ directions
    match = qk(weights, reader.head, norms, offset=offset, bypassing=writing(weights, writer).bypasses_norm)
    match = match if reader.side == "K" else match.T
    read = match.left @ (match.right @ directions.to(match.right))
    other = writing(weights, POS if writer == POS else EMBED)
    rows = other.along(read)
    assert rows is not None
    return other.row_is, (rows - rows.mean(0)) * weights.architecture.attention_scale


def _agreement(stored: Float[Tensor, "row m"], loaded: Float[Tensor, "row m"]) -> float:
    """The cosine of both ends over rows and directions, invariant to signs and rotations of the directions."""
    first, other = stored.double(), loaded.double()  # in float32 the sum can overflow or its square underflow
    return float((first / first.norm() * (other / other.norm())).sum())


def strongest(
    weights: Weights, values: Float[Tensor, "row m"], top: int, what: str, site: Writer | Reader, *, single: bool
) -> dict[str, tuple[Match, ...]]:
    """The largest positive values of each sign, or the largest norms if there are several directions, at a site."""
    ways = {"+": values.flatten(), "-": -values.flatten()} if single else {"±": values.norm(dim=1)}
    matches: dict[str, tuple[Match, ...]] = {}
    for sign, way in ways.items():
        best = way.topk(min(top, len(way)))
        rows = [row for row, value in zip(best.indices.tolist(), best.values.tolist(), strict=True) if value > 0]
        named = _texts(weights, rows, what, site)
        matches[sign] = tuple(
            Match(row, text, float(values[row, 0] if single else way[row]))
            for row, text in zip(rows, named, strict=True)
        )
    return matches


def _texts(weights: Weights, rows: list[int], what: str, site: Writer | Reader) -> list[str]:
    """Tokens by their text, positions by their number, and the columns or rows of an MLP by their names."""
    if what == "positions":
        return [f"pos·{row}" for row in rows]
    if what == "tokens":
        return texts(weights, rows)
    return [unit_name(weights.architecture, site, row) for row in rows]
