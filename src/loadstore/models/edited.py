"""What the edits of one run do to stores, and the stores that its cuts need."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import torch
from torch import Tensor

from loadstore.axes import Stream
from loadstore.models.edits import Ablate, By, Cut, Edit
from loadstore.sites import Side, Writer


def replacement(store: Tensor, by: By) -> Tensor:
    """What an ablated store becomes: zero, or its mean over batch and tokens, the first position left out."""
    if by == "zero":
        return torch.zeros_like(store)
    later = store[..., 1:, :] if store.shape[-2] > 1 else store
    return later.flatten(0, -2).mean(0).expand_as(store)


def _strongest(edits: Sequence[Edit]) -> list[Edit]:
    """Each edit once: a repeated one changes nothing more, and zero takes what a mean would have left."""
    zeros = [edit for edit in edits if edit.by == "zero"]
    means = [edit for edit in edits if edit.by == "mean" and replace(edit, by="zero") not in zeros]
    return list(dict.fromkeys([*zeros, *means]))


class Edited:
    """The edits of one run, and the stores that its cuts need."""

    def __init__(self, edits: Sequence[Edit]) -> None:
        self.ablations: dict[Writer, By] = {e.writer: e.by for e in _strongest(edits) if isinstance(e, Ablate)}
        self.cuts = [e for e in _strongest(edits) if isinstance(e, Cut)]
        self.wanted = {e.writer for e in self.cuts}
        self.stores: dict[Writer, Tensor] = {}

    def store(self, writer: Writer, value: Tensor) -> Tensor:
        """Ablate a writer's value if asked, and keep it if a cut will need it."""
        if writer in self.ablations:
            value = replacement(value, self.ablations[writer])
        if writer in self.wanted:
            self.stores[writer] = value
        return value

    def removed(self, edit: Cut, like: Stream) -> Stream:
        """What a cut takes away: the store less its replacement, for every prompt and token of ``like``."""
        store = self.stores[edit.writer]
        return (store - replacement(store, edit.by)).expand_as(like)

    def at(self, layer: int, side: Side | Literal["mlp"]) -> list[Cut]:
        """The cuts on one side of one layer's heads, or on its MLP."""
        return [e for e in self.cuts if e.reader.layer == layer and e.reader.side == side]
