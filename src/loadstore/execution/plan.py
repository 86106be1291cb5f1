"""What the edits of one run do: to stores, to what single readers read, to patterns and to norms."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import torch
from torch import Tensor

from loadstore.execution.edits import Ablate, Cut, Edit, Freeze, Patch, Replacing, reader_of
from loadstore.execution.lifted import lifted
from loadstore.execution.record import Pass
from loadstore.model.globs import matching
from loadstore.model.points import ScaleName, ScaleOf
from loadstore.model.ports import writing
from loadstore.model.weights import Weights
from loadstore.model.wiring import wiring
from loadstore.sites import Head, Reader, Side, Writer


@dataclass(frozen=True, slots=True)
class Loss:
    """What is taken from one reader's input before its norm, in some rows of the batch."""

    writer: Writer
    reader: Reader
    value: Tensor
    rows: slice = field(default_factory=lambda: slice(None))


def replacement(store: Tensor, by: Literal["mean", "zero"]) -> Tensor:
    """What an ablated store becomes: zero, or its mean over batch and tokens, the first position left out."""
    if by == "zero":
        return torch.zeros_like(store)
    later = store[..., 1:, :] if store.shape[-2] > 1 else store
    return later.flatten(0, -2).mean(0).expand_as(store)


def strongest(edits: Sequence[Edit]) -> list[Edit]:
    """Each edit once: a repeated one changes nothing more, and zero takes what a mean would have left."""
    zeros = {edit for edit in edits if isinstance(edit, Ablate | Cut) and edit.by == "zero"}
    return [edit for edit in dict.fromkeys(edits) if not _weaker(edit, zeros)]


def _weaker(edit: Edit, zeros: set[Ablate | Cut]) -> bool:
    return isinstance(edit, Ablate | Cut) and edit.by == "mean" and replace(edit, by="zero") in zeros


def frozen_heads(weights: Weights, edit: Freeze) -> list[Head]:
    """The heads whose patterns an edit freezes. Raises NoSuchSite."""
    network = wiring(weights)
    heads = [writer for writer in network.writers if writer.kind == "head"]
    return [writer.head for writer in matching(heads, edit.heads, network.writer)]


def inner(trace: Pass, writer: Writer) -> Tensor:
    """What another run recorded of a writer: its store is linear in it."""
    return trace.record.inner([writer])[:, :, 0]


class Edited:
    """The edits of one run, the values that its cuts need, and losses that are given as they are."""

    def __init__(self, weights: Weights, edits: Sequence[Edit] = (), given: Sequence[Loss] = ()) -> None:
        self.weights, self.given = weights, given
        self.stored: dict[Writer, list[Replacing]] = {}
        self.cuts: list[Cut | Patch] = []
        self.norms: Pass | None = None
        self.patterns: dict[Head, Pass] = {}
        for edit in strongest(edits):
            if isinstance(edit, Freeze):
                if edit.what == "norms":
                    self.norms = edit.source
                else:
                    self.patterns |= dict.fromkeys(frozen_heads(weights, edit), edit.source)
            elif reader_of(edit) is None:
                self.stored.setdefault(edit.writer, []).append(edit)
            elif not isinstance(edit, Ablate):
                self.cuts.append(edit)
        self.wanted = {edit.writer for edit in self.cuts}
        self.values: dict[Writer, Tensor] = {}

    def store(self, writer: Writer, value: Tensor) -> Tensor:
        """Edit a writer's store (of a head its z) if asked, and keep it if a cut will need it."""
        edited = value
        for edit in self.stored.get(writer, ()):
            other = _instead(edit, value)
            if edit.channel is not None:
                edited = edited + _part(self.weights, edit, other - value)
            elif edit.at is None:
                edited = other.expand(torch.broadcast_shapes(other.shape, value.shape))
            else:
                edited = torch.where(_chosen(edit, value), other, edited)
        if writer in self.wanted:
            self.values[writer] = edited
        return edited

    def losses(self, layer: int, side: Side | Literal["mlp", ""]) -> Iterator[Loss]:
        """What is taken from one side of one layer's heads, from its MLP, or from the unembedding (layer −1, "")."""
        yield from (loss for loss in self.given if (loss.reader.layer, loss.reader.side) == (layer, side))
        for edit in self.cuts:
            reader = reader_of(edit)
            if reader is not None and (reader.layer, reader.side) == (layer, side):
                yield Loss(edit.writer, reader, removed(self.weights, edit, self.values[edit.writer]))

    def scale(self, which: ScaleName, layer: int = -1) -> Tensor | None:
        """The frozen 1/σ of a norm, if norms are frozen."""
        if self.norms is None:
            return None
        return self.norms.record.scale(ScaleOf(which, layer))

    def frozen(self, layer: int) -> dict[int, Tensor]:
        """The frozen patterns of one layer by head."""
        return {
            head.index: trace.record.layers[layer].pattern[:, head.index]
            for head, trace in self.patterns.items()
            if head.layer == layer
        }


def removed(weights: Weights, edit: Cut | Patch, value: Tensor) -> Tensor:
    """What a cut takes away of a writer's store (of a head its z): what it is less its replacement."""
    return writing(weights, edit.writer).sent(_part(weights, edit, value - _instead(edit, value)))


def _part(weights: Weights, edit: Replacing, change: Tensor) -> Tensor:
    """The part of a change that an edit asks for: its channels, its tokens."""
    if edit.channel is not None:
        change = change @ lifted(weights, edit.writer, edit.channel, reader_of(edit))
    return change if edit.at is None else change * _chosen(edit, change)


def _instead(edit: Replacing, value: Tensor) -> Tensor:
    """What stands in the place of a store, alike for all that is one in its shape."""
    if isinstance(edit, Patch):
        return inner(edit.source, edit.writer)
    if edit.by == "resample":
        assert edit.over is not None
        generator = torch.Generator().manual_seed(edit.seed)
        donors = torch.randint(len(edit.over.tokens), (len(value) if value.dim() == 3 else 1,), generator=generator)
        return inner(edit.over, edit.writer)[donors]
    if edit.over is None:
        return replacement(value, edit.by)
    return replacement(inner(edit.over, edit.writer), "mean")[0, :1]


def _chosen(edit: Replacing, value: Tensor) -> Tensor:
    """The tokens that an edit changes [token, 1]."""
    chosen = torch.zeros(value.shape[-2], 1, dtype=torch.bool, device=value.device)
    chosen[list(edit.at or ())] = True
    return chosen
