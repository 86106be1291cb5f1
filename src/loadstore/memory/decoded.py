"""Decodes directions of a region as tokens: those stored along them, or those promoted by them.

For ``embed``, ``pos`` and the heads of layer 0, the store depends on a token or a position alone; those are listed as
in ``channel_tokens``. Stores of other writers depend on other stores. For them, the tokens are listed that the
direction promotes at the unembedding, with the gain of the last norm and without its scale.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from loadstore.model.ports import reading, writing
from loadstore.model.weights import Weights
from loadstore.scores.decoding import stored_along, strongest
from loadstore.sites import UNEMBED, Writer

TOKENS = 4  # listed at each end
TILE = 256  # directions at a time


@dataclass(frozen=True)
class Direction:
    """One direction of a region: the tokens at its two ends, strongest first, and how they were found.

    ``way``: ``"stored"`` or ``"promoted"``; ``held``: the fraction of the writer's variance along it. The sign of a
    direction is arbitrary: the end with the largest value is called +.
    """

    way: str
    held: float
    plus: tuple[str, ...]
    minus: tuple[str, ...]


def decoded(
    weights: Weights,
    writers: Sequence[Writer],
    rows: Sequence[Float[Tensor, "_ d_model"]],
    held: Sequence[Float[Tensor, " _"]],
) -> list[tuple[Direction, ...]]:
    """Decode the given directions of each writer, with the fraction of its variance in each."""
    directions = [_stored(weights, *each) for each in zip(writers, rows, held, strict=True)]
    later = [index for index, writer in enumerate(writers) if len(rows[index]) and not _directly(weights, writer)]
    if not later:
        return directions
    promoted = reading(weights, UNEMBED).map().right
    together = torch.cat([rows[index] for index in later]).to(promoted)
    parts = torch.cat([held[index] for index in later])
    named: list[Direction] = []
    for tile, own in zip(together.split(TILE), parts.split(TILE), strict=True):
        named += _named(weights, promoted.mT @ tile.mT, "promoted", "tokens", own)
    for index in later:
        directions[index], named = tuple(named[: len(rows[index])]), named[len(rows[index]) :]
    return directions


def _directly(weights: Weights, writer: Writer) -> bool:
    """Whether the store depends only on a token or a position, given the patterns."""
    return writer.layer <= 0 and writing(weights, writer).row_is in ("tokens", "positions")


def _stored(
    weights: Weights, writer: Writer, rows: Float[Tensor, "count d_model"], held: Float[Tensor, " count"]
) -> tuple[Direction, ...]:
    if not _directly(weights, writer) or not len(rows):
        return ()
    values = stored_along(weights, writer, "fold", rows.mT.to(weights.dtype))
    assert values is not None
    return tuple(_named(weights, values, "stored", writing(weights, writer).row_is, held))


def _named(
    weights: Weights, values: Float[Tensor, "row count"], way: str, what: str, held: Float[Tensor, " count"]
) -> list[Direction]:
    directions: list[Direction] = []
    for column, part in zip(values.unbind(1), held.tolist(), strict=True):
        sign = column[column.abs().argmax()].sign()
        ends = strongest(weights, (column * sign)[:, None], TOKENS, what, UNEMBED, single=True)
        plus, minus = (tuple(match.text for match in ends[end]) for end in ("+", "-"))
        directions.append(Direction(way, part, plus, minus))
    return directions
