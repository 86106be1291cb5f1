"""Traffic of every wire of a model, computed from the moments of a corpus, point by point."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from loadstore.model.wiring import wiring
from loadstore.progress import Progress
from loadstore.sites import Reader, Writer
from loadstore.wire_traffic.blocks import Block, Memory
from loadstore.wire_traffic.carried import Carried, Sample, from_heads, from_rows, grams
from loadstore.wire_traffic.loads import Loads, loads_of, points_of
from loadstore.wire_traffic.moments import Moments


def factorised(
    moments: Moments, writers: Sequence[Writer], readers: Sequence[Reader], progress: Progress | None = None
) -> dict[str, np.ndarray]:
    """θ and cross [writer, reader], pull [group, writer, reader], total θ [reader]; NaN if there is no wire.

    Constants (biases) carry 0, because they have no variance.
    """
    network, memory = wiring(moments.weights), Memory(moments)
    row, column = ({site: i for i, site in enumerate(sites)} for sites in (writers, readers))
    connected = np.array([[network.connects(w, r) for r in readers] for w in writers])
    result = {name: np.where(connected, 0.0, np.nan) for name in ("theta", "cross")}
    result["pull"] = np.repeat(result["theta"][None], moments.groups, 0)
    result["total"] = np.zeros(len(readers))
    samples = Samples(moments)
    points = points_of(moments.weights, readers)
    for done, (point, at) in enumerate(points.items(), 1):
        kinds = loads_of(moments, point, at)
        wholes = [samples.split(memory.whole(loads)) for loads in kinds]
        for loads, whole in zip(kinds, wholes, strict=True):
            carried = samples.rows(whole.as_writer(), whole, loads)
            result["total"][[column[reader] for reader in loads.readers]] = carried.theta[0].cpu().numpy()
        for block in memory.blocks(point):
            kept = [i for i, writer in enumerate(block.bank.writers) if writer in row]
            if not kept:
                continue
            for loads, carried in samples.block(block, kinds, wholes):
                cells = np.ix_([row[block.bank.writers[i]] for i in kept], [column[reader] for reader in loads.readers])
                if connected[cells].all():
                    result["theta"][cells] = carried.theta[kept].cpu().numpy()
                    result["cross"][cells] = carried.cross[kept].cpu().numpy()
                    result["pull"][:, *cells] = carried.pull[:, kept].cpu().numpy()
        if progress is not None:
            progress(done, len(points))
    return result


class Split(NamedTuple):
    """Rows of a corpus by stratum."""

    later: Tensor
    first: Tensor

    def as_writer(self) -> "Split":
        """What readers load in all, as if one writer had stored it."""
        return Split(self.later[:, None], self.first[:, None])


class Samples:
    """The two strata of a corpus: first positions, at which only keys are read, and all others."""

    def __init__(self, moments: Moments) -> None:
        parts = torch.bincount(moments.group, minlength=moments.groups) / len(moments.group)
        self.moments = moments
        self.at = Split(moments.later.nonzero()[:, 0], (~moments.later).nonzero()[:, 0])
        self.later, self.first = (Sample(moments.group[at], parts) for at in self.at)

    def split(self, rows: Tensor) -> Split:
        """Rows of all tokens by stratum."""
        return Split(*(rows.index_select(0, at) for at in self.at))

    def rows(self, rows: Split, whole: Split, loads: Loads) -> Carried:
        """Traffic of writers given by their rows y = uB."""
        later = from_rows(rows.later, whole.later, loads, loads.met, self.later)
        if loads.first is None:
            return later
        return later + from_rows(rows.first, whole.first, loads, loads.first, self.first)

    def block(self, block: Block, kinds: list[Loads], wholes: list[Split]) -> list[tuple[Loads, Carried]]:
        """One block of writers into every kind of reader at a point."""
        out = block.bank.out
        if out is None:
            return [
                (loads, self.rows(self.split(_sent(block, loads)), whole, loads))
                for loads, whole in zip(kinds, wholes, strict=True)
            ]
        plain = self.split(block.rows)
        moments = grams(plain.later, self.later)
        pairs: list[tuple[Loads, Carried]] = []
        for loads, whole in zip(kinds, wholes, strict=True):
            later = plain.later if loads.scale is None else loads.loaded(block.rows).index_select(0, self.at.later)
            moment = moments if loads.scale is None else grams(later, self.later)
            carried = from_heads(later, moment, out, whole.later, loads, self.later)
            if loads.first is not None:
                y = loads.through(torch.einsum("twi,wid->twd", plain.first, out))
                carried = carried + from_rows(y, whole.first, loads, loads.first, self.first)
            pairs.append((loads, carried))
        return pairs


def _sent(block: Block, loads: Loads) -> Tensor:
    """The rows y = uB of one writer, which stores in the stream or (shortformer positions) after the norms."""
    rows = loads.loaded(block.rows)
    if block.bank.bypasses_norm and loads.behind is not None:
        return torch.einsum("twd,lde->twle", rows, loads.behind)
    return loads.through(rows)
