"""Groups wires whose ends are compared in the same space: their matrices, products and null."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import torch
from torch import Tensor

from loadstore.linear.ends import End
from loadstore.linear.null import null, unit
from loadstore.linear.routes import routes
from loadstore.linear.whitening import whitening
from loadstore.model.ports import Norms, reading, writing
from loadstore.model.weights import Weights
from loadstore.scores.cores import centre
from loadstore.scores.ends import reader_end, writer_ends
from loadstore.scores.engine import Ask, tiles
from loadstore.scores.measures import measured
from loadstore.scores.options import Asked, moment_at
from loadstore.sites import Reader, Writer

Turn: TypeAlias = Callable[[End], End]
MOMENT = 5e9  # a double-precision product of this many terms takes a moment


@dataclass(frozen=True, eq=False)
class Group:
    """Wires whose ends are compared in one space: centred, uncentred, or after the norm."""

    writers: list[Writer]
    readers: list[Reader]
    writer_index: list[int]
    reader_index: list[int]
    centred: bool
    behind: bool
    exists: np.ndarray


@dataclass(frozen=True, eq=False)
class Piece:
    """Measures of all wires between some writers and some readers, by index; NaN where not requested."""

    rows: np.ndarray
    columns: np.ndarray
    values: dict[str, Tensor]


def groups(
    weights: Weights, writers: Sequence[Writer], readers: Sequence[Reader], norms: Norms, exists: np.ndarray
) -> list[Group]:
    """Up to four groups: (after the norm or not) × (the reader centres or not). Writers without a wire are omitted."""
    centring = [reading(weights, reader).centres(norms) for reader in readers]
    bypassing = [writing(weights, writer).bypasses_norm for writer in writers]
    grouped: list[Group] = []
    for behind in (False, True):
        for centred in (False, True):
            some_r = [j for j, mean in enumerate(centring) if (mean and not behind) == centred]
            some_w = [i for i, own in enumerate(bypassing) if own == behind and exists[i, some_r].any()]
            if some_w and some_r:
                ends = [writers[i] for i in some_w], [readers[j] for j in some_r]
                grouped.append(Group(*ends, some_w, some_r, centred, behind, exists[np.ix_(some_w, some_r)]))
    return grouped


def pieces(weights: Weights, group: Group, asked: Asked) -> Iterator[Piece]:
    """Yield every measure of every wire of a group, some readers at a time."""
    d_model = weights.architecture.d_model
    ranks = _ranks(weights, group)
    writer, dtype = writer_ends(weights, asked, centred=group.centred), precision(weights, group)
    for wanted, to_writer, to_reader in _spaces(weights, group, asked):

        def written(index: int, kind: torch.dtype, turn: Turn = to_writer) -> End:
            return turn(writer(group.writers[index], kind))

        def read(index: int, kind: torch.dtype, turn: Turn = to_reader) -> End:
            return turn(reader_end(weights, group.readers[index], asked, kind, behind=group.behind))

        for tile in tiles(Ask(written, read, *ranks, wanted, d_model), dtype):
            rows, columns = np.array(group.writer_index)[tile.rows], np.array(group.reader_index)[tile.columns]
            written_unit, read_unit = unit(tile.written)[:, None], unit(tile.read)[:, None]
            chance = null(tile.written * written_unit, tile.read * read_unit, d_model - group.centred)
            scale = written_unit * read_unit.mT
            whole = torch.ldexp(scale, -2 * tile.exponent)
            yield Piece(rows, columns, measured(tile.x * scale, replace(chance, scale=whole)))


def precision(weights: Weights, group: Group) -> torch.dtype:
    """The dtype of the products: double if the computation is short, else the compute dtype."""
    d = weights.architecture.d_model
    heights = [writing(weights, w).height for w in group.writers] + [reading(weights, r).width for r in group.readers]
    dense = sum(float(height) * d**2 for height in heights if height >= d)
    terms = dense + routes(*_ranks(weights, group), group.exists, d).terms
    return torch.float64 if terms < MOMENT else weights.dtype


def _ranks(weights: Weights, group: Group) -> tuple[np.ndarray, np.ndarray]:
    return (
        np.array([writing(weights, writer).rank for writer in group.writers]),
        np.array([reading(weights, reader).rank for reader in group.readers]),
    )


def _spaces(weights: Weights, group: Group, asked: Asked) -> Iterator[tuple[np.ndarray, Turn, Turn]]:
    """The wires that are compared in the same coordinates, with the maps of their ends: all wires or one point's."""
    if asked.stream is None:
        yield group.exists, lambda end: end, lambda end: end
        return
    points = [reading(weights, reader).point._replace(behind=group.behind) for reader in group.readers]
    for point in dict.fromkeys(points):
        wanted = group.exists & np.array([other == point for other in points])
        if not wanted.any():
            continue
        second = moment_at(weights, asked, point)
        inverse_root, root = whitening(centre(centre(second).mT) if group.centred else second)
        yield wanted, _by(inverse_root), _by(root)


def _by(matrix: Tensor) -> Turn:
    return lambda end: end.turned(lambda rows: rows @ matrix.to(rows.device))
