"""Redraws a protected component: every token takes the stores of some writers in a subspace from another token."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from loadstore.model.points import Point
from loadstore.model.ports import banks, reading
from loadstore.model.wiring import wiring
from loadstore.sites import Reader, Writer
from loadstore.wire_traffic.moments import Moments


@dataclass(frozen=True, eq=False)
class Drawn:
    """The change of a component at every point: in the stream, and after the norm for shortformer positions."""

    stream: Mapping[Point, Float[Tensor, "token d_model"]]
    behind: Float[Tensor, "token d_model"] | None

    def turned(self, old: Tensor, new: Tensor) -> "Drawn":
        """The same change along other rows."""
        turn = old.mT @ new
        return Drawn(
            {point: change @ turn for point, change in self.stream.items()},
            None if self.behind is None else self.behind @ turn,
        )


def drawn_component(
    moments: Moments, rows: Tensor, sources: Sequence[Writer], readers: Sequence[Reader], seed: int
) -> Drawn:
    """Draw the stores of ``sources`` in a subspace from other tokens of the corpus, the same tokens at every point."""
    weights, network = moments.weights, wiring(moments.weights)
    donors = _donors(moments, seed)
    behind: Tensor | None = None
    stored: dict[Writer, Tensor] = {}
    for bank in banks(weights, sources):
        if bank.constant:
            continue
        inside = bank.sent(moments.stored(bank)) @ rows.mT
        for writer, component in zip(bank.writers, inside.unbind(1), strict=True):
            change = component[donors] - component
            if bank.bypasses_norm:
                behind = change @ rows
            else:
                stored[writer] = change
    changes: dict[Point, Tensor] = {}
    for reader in readers:
        point = reading(weights, reader).point
        if point not in changes:
            sent = [change for writer, change in stored.items() if network.connects(writer, reader)]
            changes[point] = (
                torch.stack(sent).sum(0) @ rows if sent else moments.z.new_zeros(len(moments.tokens), rows.shape[1])
            )
    return Drawn(changes, behind)


def _donors(moments: Moments, seed: int) -> Int[Tensor, " token"]:
    """For every token, the token that it takes its component from: the same position of another piece.

    So a head's mixture over tokens is drawn as a whole. A shorter piece repeats its positions; the tokens of a single
    piece are shuffled; a first token keeps its own component.
    """
    generator = torch.Generator().manual_seed(seed)
    starts = (~moments.later).nonzero()[:, 0].tolist()
    ends = [*starts[1:], len(moments.tokens)]
    donors = torch.arange(len(moments.tokens))
    if len(starts) == 1:
        donors[1:] = 1 + torch.randperm(len(donors) - 1, generator=generator)
        return donors
    order: list[int] = torch.randperm(len(starts), generator=generator).tolist()
    for taker, other in zip(order, [*order[1:], order[0]], strict=True):
        length, room = ends[taker] - starts[taker], ends[other] - starts[other] - 1
        if room > 0:
            donors[starts[taker] + 1 : ends[taker]] = starts[other] + 1 + torch.arange(length - 1) % room
    return donors
