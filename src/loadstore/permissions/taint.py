"""Taint: how much a reader's load changes when the protected component of the stream is redrawn.

    direct = E‖Δu_r‖² / E‖u_r − ū_r‖²      the reader's own input changes; 1/σ and everything else are frozen
    total  = the same with all later stores free to change; stores of declassifying readers are frozen

Δ is the component at the same position of another piece minus this one's, so a reader of the component alone has 2.
Means are over all tokens but the first of each piece. Derivation: docs/permissions.md.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from loadstore.execution.changes import Loss
from loadstore.execution.edits import Edit, Patch
from loadstore.execution.forward import embedded, read_last, through_layers
from loadstore.execution.plan import Edited
from loadstore.execution.record import Pass, Record
from loadstore.execution.run import run
from loadstore.linear.subspace import reader_cores
from loadstore.model.norms import normalise
from loadstore.model.points import Point
from loadstore.model.ports import reading
from loadstore.model.weights import Weights
from loadstore.model.wiring import wiring
from loadstore.permissions.drawn import Drawn
from loadstore.progress import Progress
from loadstore.sites import EMBED, POS, Reader, Writer
from loadstore.wire_traffic.moments import Moments

TOKENS = 2048  # per batch


@dataclass(frozen=True, eq=False)
class Taint:
    """Per reader, the direct and the total taint, and the RMS change of log σ."""

    direct: Float[Tensor, " reader"]
    total: Float[Tensor, " reader"]
    scale: Float[Tensor, " reader"]


@dataclass(frozen=True, eq=False)
class _Group:
    """Readers of the same stream, with their matrices concatenated; ``behind``: they also read positions."""

    readers: tuple[Reader, ...]
    core: Float[Tensor, "d_model inside"]
    widths: tuple[int, ...]
    behind: bool

    def squares(self, rows: Float[Tensor, "batch token inside"]) -> Float[Tensor, " reader"]:
        """Sum of the squares of each reader's load, without the first token."""
        each = rows[:, 1:].double().square().sum((0, 1))
        return torch.stack([part.sum() for part in each.split(self.widths)])


def taint(
    moments: Moments,
    draws: Sequence[Drawn],
    readers: Sequence[Reader],
    declassified: Sequence[Writer],
    progress: Progress | None = None,
) -> list[Taint]:
    """Measure every reader under several changes of the stream, one batch of pieces at a time."""
    weights, groups = moments.weights, list(_groups(moments.weights, readers))
    like: dict[str, Any] = {"dtype": torch.float64, "device": weights.device}
    sums = [torch.zeros(len(draws), 3, len(group.readers), **like) for group in groups]
    squares = [torch.zeros(len(group.readers), **like) for group in groups]
    means = [torch.zeros(group.core.shape[1], **like) for group in groups]
    count, start = 0, 0
    for batch in _batches(moments):
        span = slice(start, start := start + batch.numel())
        clean = run(weights, batch, record=True)
        count += batch.numel() - len(batch)
        before = [_loaded(clean, group) for group in groups]
        for index, (group, u) in enumerate(zip(groups, before, strict=True)):
            squares[index] += group.squares(u)
            means[index] += u[:, 1:].double().sum((0, 1))
        for number, drawn in enumerate(draws):
            changed = _changed(clean, drawn, readers, declassified, span)
            for group, u, total in zip(groups, before, sums, strict=True):
                delta, behind = _of(drawn, group.readers[0], weights, span, batch.shape)
                after = _loaded(changed, group, delta, behind)
                total[number, 0] += group.squares(_direct(clean, group, delta, behind))
                total[number, 1] += group.squares(after - u)
                total[number, 2] += _log_scale(clean, group.readers[0], delta)[:, 1:].double().square().sum()
        if progress is not None:
            progress(start, len(moments.tokens))
    per_draw = [torch.zeros(3, len(readers), dtype=torch.float64) for _ in draws]
    column = {reader: index for index, reader in enumerate(readers)}
    for group, total, square, mean in zip(groups, sums, squares, means, strict=True):
        at = [column[reader] for reader in group.readers]
        each = (mean / count).square()
        variance = square / count - torch.stack([part.sum() for part in each.split(group.widths)])
        for moments_of_draw, part in zip(per_draw, total, strict=True):
            moments_of_draw[:, at] = torch.stack(
                [part[0] / count / variance, part[1] / count / variance, (part[2] / count).sqrt()]
            )
    return [Taint(*moments_of_draw) for moments_of_draw in per_draw]


def _batches(moments: Moments) -> Iterator[Int[Tensor, "batch token"]]:
    """The pieces of a corpus in their order, batched with neighbours of equal length, as many as fit."""
    batch: list[Tensor] = []
    for _, piece in moments.pieces():
        if batch and (len(piece) != len(batch[0]) or (len(batch) + 1) * len(piece) > TOKENS):
            yield torch.stack(batch)
            batch = []
        batch.append(piece)
    yield torch.stack(batch)


def _groups(weights: Weights, readers: Sequence[Reader]) -> Iterator[_Group]:
    """Readers by point, and by whether they read positions that bypass the norm."""
    places: dict[tuple[Point, bool], list[Reader]] = {}
    for reader in readers:
        behind = weights.architecture.positions_bypass_norm and reader.side in ("Q", "K")
        places.setdefault((reading(weights, reader).point, behind), []).append(reader)
    for (_, behind), members in places.items():
        cores: list[Tensor] = []
        for reader in members:
            matrix = reading(weights, reader).matrix
            matrix = matrix - matrix.mean(1, keepdim=True) if reader.is_unembed else matrix
            cores.append(reader_cores([matrix])[0] if matrix.shape[1] > matrix.shape[0] else matrix)
        widths = tuple(core.shape[1] for core in cores)
        yield _Group(tuple(members), torch.cat(cores, 1), widths, behind)


def _of(
    drawn: Drawn, reader: Reader, weights: Weights, span: slice, shape: torch.Size
) -> tuple[Float[Tensor, "batch token d_model"], Tensor | None]:
    """The change in a reader's stream, and after its norm, at the tokens of one batch."""
    takes = weights.architecture.positions_bypass_norm and reader.side in ("Q", "K")
    behind = drawn.behind[span].unflatten(0, shape) if takes and drawn.behind is not None else None
    return drawn.stream[reading(weights, reader).point][span].unflatten(0, shape), behind


def _changed(clean: Pass, drawn: Drawn, readers: Sequence[Reader], declassified: Sequence[Writer], span: slice) -> Pass:
    """The run in which every reader reads the changed stream; declassified writers keep the clean run's stores."""
    weights = clean.weights
    given = list(_losses(weights, drawn, readers, span, clean.tokens.shape))
    edits: list[Edit] = [Patch(writer, clean) for writer in declassified]
    edited, record = Edited(weights, edits, given), Record()
    with torch.no_grad():
        stream, beside = embedded(weights, clean.tokens, edited, record)
        read_last(weights, through_layers(weights, 0, stream, beside, edited, record), edited, record)
    return Pass(weights, clean.tokens, lambda: record)


def _losses(
    weights: Weights, drawn: Drawn, readers: Sequence[Reader], span: slice, shape: torch.Size
) -> Iterator[Loss]:
    """The change as negative losses: a loss is subtracted from the reader's input."""
    for reader in readers:
        delta, behind = _of(drawn, reader, weights, span, shape)
        if bool(delta.any()):
            yield Loss(EMBED, reader, -delta)
        if behind is not None:
            yield Loss(POS, reader, -behind)


def stream_at(trace: Pass, reader: Reader) -> Float[Tensor, "batch token d_model"]:
    """The stream of a run at one reader."""
    record, weights = trace.record, trace.weights
    point = reading(weights, reader).point
    depth = weights.architecture.n_layers
    after = record.final if point.layer + 1 >= depth else record.layers[point.layer + 1].stream
    assert after is not None
    if point.layer == depth:
        return after
    layer = record.layers[point.layer]
    if not point.mlp or not wiring(weights).connects(Writer("head", point.layer, 0), reader):
        return layer.stream
    assert layer.mlp is not None
    return after - layer.mlp


def _loaded(
    trace: Pass,
    group: _Group,
    delta: Tensor | None = None,
    beside: Tensor | None = None,
) -> Float[Tensor, "batch token inside"]:
    """Readers' loads with a change of their stream, without constants; includes positions after their norm."""
    stream = stream_at(trace, group.readers[0])
    x = _through(trace, group.readers[0], stream if delta is None else stream + delta)
    if beside is not None:
        x = x + beside
    if group.behind:
        assert trace.record.pos is not None
        x = x + trace.record.pos
    return x @ group.core


def _direct(trace: Pass, group: _Group, delta: Tensor, beside: Tensor | None) -> Float[Tensor, "batch token inside"]:
    x = _through(trace, group.readers[0], delta)
    return (x if beside is None else x + beside) @ group.core


def _through(trace: Pass, reader: Reader, part: Tensor) -> Tensor:
    """Apply a reader's norm to a part of the stream, with the scale of this run."""
    port = reading(trace.weights, reader)
    scale = trace.record.scale(port.scale)
    assert scale is not None
    return port.through(part, scale)


def _log_scale(trace: Pass, reader: Reader, delta: Tensor) -> Float[Tensor, "batch token 1"]:
    """The change of log σ of the reader's norm."""
    port = reading(trace.weights, reader)
    scale = trace.record.scale(port.scale)
    assert scale is not None
    changed = normalise(stream_at(trace, reader) + delta, port.norm, trace.weights.architecture.eps)[1]
    return (changed / scale).log()
