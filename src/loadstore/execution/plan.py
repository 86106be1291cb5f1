"""Applies the edits of one run to stores, to single readers' inputs, to patterns and to norms."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Literal

import torch
from torch import Tensor

from loadstore.execution.changes import Changes, Denial, Frozen, Loss, Part
from loadstore.execution.denials import by_weights, denied_rows
from loadstore.execution.edits import Ablate, Cut, Deny, Edit, Freeze, Patch, Replacing, reader_of
from loadstore.execution.extent import Extent
from loadstore.execution.lifted import lifted
from loadstore.execution.record import Pass
from loadstore.linear.blocked import Blocked
from loadstore.model.denied import blocked_reader, blocked_writer
from loadstore.model.globs import matching
from loadstore.model.points import ScaleName, ScaleOf
from loadstore.model.ports import writing
from loadstore.model.weights import Weights
from loadstore.model.wiring import wiring
from loadstore.sites import Head, Reader, Writer

ALL = Extent()


def replacement(store: Tensor, by: Literal["mean", "zero"], extent: Extent = ALL) -> Tensor:
    """The replacement of an ablated store: zero, or its mean over batch and tokens except the first position."""
    return torch.zeros_like(store) if by == "zero" else extent.mean(store).expand_as(store)


def strongest(edits: Sequence[Edit]) -> list[Edit]:
    """The edits without duplicates, and without a mean where the same edit by zero is also given."""
    zeros = {edit for edit in edits if isinstance(edit, Ablate | Cut) and edit.by == "zero"}
    return [edit for edit in dict.fromkeys(edits) if not _weaker(edit, zeros)]


def _weaker(edit: Edit, zeros: set[Ablate | Cut]) -> bool:
    return isinstance(edit, Ablate | Cut) and edit.by == "mean" and replace(edit, by="zero") in zeros


def frozen_heads(weights: Weights, edit: Freeze) -> list[Head]:
    """The heads whose patterns an edit freezes. Raises NoSuchSite."""
    return heads_matching(weights, edit.heads)


def heads_matching(weights: Weights, globs: str | Sequence[str]) -> list[Head]:
    """The heads that match the globs, in depth order. Raises NoSuchSite."""
    network = wiring(weights)
    heads = [writer for writer in network.writers if writer.kind == "head"]
    return [writer.head for writer in matching(heads, globs, network.writer)]


def inner(trace: Pass, writer: Writer) -> Tensor:
    """The recorded value of a writer in another run; its store is linear in it."""
    return trace.record.inner([writer])[:, :, 0]


class Edited(Changes):
    """The edits of one run, the values that its cuts need, and precomputed losses, used unchanged.

    ``values``: recorded stores (for heads, z) of writers before the layer in which the run begins. ``extent``: which
    rows of the batch are tokens. If the run begins at a later token, means over the run itself are not available.
    """

    def __init__(
        self,
        weights: Weights,
        edits: Sequence[Edit] = (),
        given: Sequence[Loss] = (),
        values: Mapping[Writer, Tensor] | None = None,
        extent: Extent = ALL,
    ) -> None:
        self._weights, self._extent = weights, extent
        self._stored: dict[Writer, list[Replacing]] = {}
        self._cuts: dict[tuple[int, Part], list[Cut | Patch]] = {}
        self._given: dict[tuple[int, Part], list[Loss]] = {}
        self._norms: Pass | None = None
        self._patterns: dict[Head, Pass] = {}
        self._denied: dict[tuple[int, Part], list[Denial]] = {}
        self._withheld: dict[Writer, Blocked] = {}
        self._deny(edits)
        for edit in strongest(edits):
            if isinstance(edit, Deny):
                continue
            if isinstance(edit, Freeze):
                if edit.what == "norms":
                    self._norms = edit.source
                else:
                    self._patterns |= dict.fromkeys(frozen_heads(weights, edit), edit.source)
            elif (reader := reader_of(edit)) is None:
                self._stored.setdefault(edit.writer, []).append(edit)
            elif not isinstance(edit, Ablate):
                self._cuts.setdefault((reader.layer, reader.side), []).append(edit)
        for loss in given:
            self._given.setdefault((loss.reader.layer, loss.reader.side), []).append(loss)
        self._wanted = {edit.writer for edits in self._cuts.values() for edit in edits}
        self._values = dict(values or {})

    def _deny(self, edits: Sequence[Edit]) -> None:
        for reader, rows in denied_rows(edits, Reader).items():
            denial = Denial(reader, blocked_reader(self._weights, reader, rows))
            self._denied.setdefault((reader.layer, reader.side), []).append(denial)
        others = by_weights(self._weights, edits)  # enforced by the weights of the run
        for writer, rows in denied_rows(edits, Writer).items():
            if writer not in others:
                self._withheld[writer] = blocked_writer(None, rows)

    def touches(self, writer: Writer) -> bool:
        """Whether ``store`` changes this writer's store or keeps it."""
        return writer in self._stored or writer in self._wanted or writer in self._withheld

    def store(self, writer: Writer, value: Tensor) -> Tensor:
        """Edit a writer's store (for heads, z); keep it if a cut needs it."""
        edited = value
        for edit in self._stored.get(writer, ()):
            other = _instead(edit, value, self._extent)
            if edit.channel is not None:
                edited = edited + _part(self._weights, edit, other - value, self._extent)
            elif edit.at is None:
                edited, _ = torch.broadcast_tensors(other, value)  # broadcast_shapes would import SymPy
            else:
                edited = torch.where(self._extent.chosen(edit.at, value), other, edited)
        if (out := self._withheld.get(writer)) is not None:
            edited = edited - out.of_stored(edited).to(edited)
        if writer in self._wanted:
            self._values[writer] = edited
        return edited

    def heads(self, layer: int) -> set[Writer]:
        """The heads of a layer whose z must pass through ``store``."""
        return {w for w in (*self._stored, *self._wanted) if w.kind == "head" and w.layer == layer}

    def ablates(self, layer: int) -> bool:
        """Whether the store of any head of this layer is replaced."""
        return any(writer.kind == "head" and writer.layer == layer for writer in self._stored)

    def losses(self, layer: int, part: Part) -> Iterator[Loss]:
        """The parts removed from the readers of one part of a layer."""
        yield from self._given.get((layer, part), ())
        for edit in self._cuts.get((layer, part), ()):
            reader = reader_of(edit)
            assert reader is not None
            yield Loss(edit.writer, reader, removed(self._weights, edit, self._values[edit.writer], self._extent))

    def denials(self, layer: int, part: Part) -> Iterator[Denial]:
        """The subspaces that the readers of one part of a layer do not load."""
        yield from self._denied.get((layer, part), ())

    def scale(self, which: ScaleName, layer: int = -1) -> Tensor | None:
        """The frozen 1/σ of a norm, if norms are frozen."""
        if self._norms is None:
            return None
        return self._norms.record.scale(ScaleOf(which, layer))

    def frozen(self, layer: int) -> list[Frozen]:
        """The frozen patterns of a layer."""
        return [
            Frozen(head.index, trace.record.layers[layer].pattern[:, head.index])
            for head, trace in self._patterns.items()
            if head.layer == layer
        ]


def removed(weights: Weights, edit: Cut | Patch, value: Tensor, extent: Extent = ALL) -> Tensor:
    """The part of a store that a cut removes: store minus replacement (for heads, computed from z)."""
    return writing(weights, edit.writer).sent(_part(weights, edit, value - _instead(edit, value, extent), extent))


def _part(weights: Weights, edit: Replacing, change: Tensor, extent: Extent) -> Tensor:
    """The selected part of a change: its channels and tokens."""
    if edit.channel is not None:
        change = change @ lifted(weights, edit.writer, edit.channel, reader_of(edit))
    return change if edit.at is None else change * extent.chosen(edit.at, change)


def _instead(edit: Replacing, value: Tensor, extent: Extent) -> Tensor:
    """The replacement of a store; axes of size 1 broadcast."""
    if isinstance(edit, Patch):
        return inner(edit.source, edit.writer)[..., extent.first :, :]
    if edit.by == "resample":
        assert edit.over is not None
        generator = torch.Generator().manual_seed(edit.seed)
        donors = torch.randint(len(edit.over.tokens), (len(value) if value.dim() == 3 else 1,), generator=generator)
        return inner(edit.over, edit.writer)[donors][:, extent.first :]
    if edit.over is None:
        return replacement(value, edit.by, extent)
    return edit.over.extent.mean(inner(edit.over, edit.writer))[None]
