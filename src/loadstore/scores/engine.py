"""The squared products ‖A B‖² of many wires, computed for a few readers at a time against all their writers.

Writers are kept as packed Gram matrices and small cores. Readers are processed in batches. Each wire takes the cheaper
route (``linear.routes``). Rounding of the off-diagonal entries of float32 Gram matrices changes X by about
e = ERROR · min(max |a| ‖b‖, ‖a‖ max |b|), which is relative to chance e/(2 √(X · E X)) of the score. If that exceeds a
millionth, the wire is recomputed in double precision.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from loadstore.linear.bands import packed_size
from loadstore.linear.end_spectra import spectra
from loadstore.linear.ends import End
from loadstore.linear.grams import Packed, crossed, products
from loadstore.linear.routes import Routes, routes
from loadstore.scores.cores import stacked
from loadstore.threads import at_once

ERROR = 3e-7  # of a float32 product, see above (tests/scores/test_engine.py, test_precision.py)
ALLOWED = 1e-6  # allowed error of a score, relative to chance
TOGETHER = 64  # ends in one batch
DENSE = 4  # readers of full rank in one batch
MEMORY = {"writers": 2 << 30, "readers": 1 << 30}  # bytes of packed Gram matrices held at a time


@dataclass(frozen=True, eq=False)
class Ask:
    """Ends by index, each made on demand in a given dtype, with their ranks and the wanted wires."""

    writer: Callable[[int, torch.dtype], End]
    reader: Callable[[int, torch.dtype], End]
    writer_ranks: np.ndarray
    reader_ranks: np.ndarray
    wanted: np.ndarray
    d: int


@dataclass(frozen=True, eq=False)
class Tile:
    """x[i, j] = ‖A_i B_j‖² of some writers with some readers, the spectra of both, and the exponents of their sizes."""

    rows: np.ndarray
    columns: np.ndarray
    x: Float[Tensor, "row column"]
    written: Float[Tensor, "row _"]
    read: Float[Tensor, "column _"]
    exponent: Int[Tensor, "row column"]


@dataclass(frozen=True, eq=False)
class _Bank:
    """Writers in memory: packed Gram matrices, indices, largest entries; cores of those that need them, spectra."""

    rows: np.ndarray
    packed: Packed
    peaks: Float[Tensor, " packed"]
    place: np.ndarray
    cores: dict[int, Tensor]
    traces: Float[Tensor, " row"]
    spectra: Float[Tensor, "row _"]
    exponents: Int[Tensor, " row"]


def tiles(ask: Ask, dtype: torch.dtype) -> Iterator[Tile]:
    """Yield every wanted wire once, by products in ``dtype`` that are added in double precision."""
    again = lru_cache(2 * TOGETHER)(
        lambda side, index: (ask.writer if side == "A" else ask.reader)(index, torch.float64)
    )
    plan = routes(ask.writer_ranks, ask.reader_ranks, ask.wanted, ask.d)
    size = packed_size(ask.d) * dtype.itemsize
    for rows in _parts(np.flatnonzero(ask.wanted.any(1)), max(1, MEMORY["writers"] // size)):
        bank = _bank(ask, plan, rows, dtype)
        for columns in _alike(ask.wanted[rows], ask.reader_ranks == ask.d, max(1, MEMORY["readers"] // size)):
            yield _tile(ask, plan, bank, columns, dtype, again)
        del bank  # free it before making the next one


def _parts(places: np.ndarray, most: int) -> Iterator[np.ndarray]:
    for start in range(0, len(places), most):
        yield places[start : start + most]


def _alike(wanted: np.ndarray, full: np.ndarray, most: int) -> Iterator[np.ndarray]:
    """Group columns: with the same writers, so that no unwanted product is computed; full ones a few at a time.

    A few full ones have other writers each, but their spectra are found at once.
    """
    columns = np.flatnonzero(wanted.any(0))
    alike: dict[bytes, list[int]] = {}
    for column in columns[~full[columns]].tolist():
        alike.setdefault(wanted[:, column].tobytes(), []).append(column)
    for group in alike.values():
        yield from _parts(np.array(group), min(TOGETHER, most))
    yield from _parts(columns[full[columns]], min(DENSE, most))


def _bank(ask: Ask, plan: Routes, rows: np.ndarray, dtype: torch.dtype) -> _Bank:
    made = plan.writers[rows]
    crosses = np.logical_and(ask.wanted[rows], ~plan.by_gram[rows]).sum(1) > 0
    packed_row = np.where(made, np.cumsum(made) - 1, -1)
    packed: Packed | None = None
    cores: dict[int, Tensor] = {}
    traces: list[Tensor] = []
    written: list[Tensor] = []
    exponents: list[int] = []
    for batch in _parts(np.arange(len(rows)), TOGETHER):
        ends = _ends(ask.writer, rows[batch], ask.writer_ranks < ask.d, dtype)
        packed = Packed.empty(int(made.sum()), ask.d, ends[0].matrix.to(dtype)) if packed is None else packed
        packed.put(int(made[: batch[0]].sum()), [end for i, end in zip(batch, ends, strict=True) if made[i]])
        cores |= {int(i): end.matrix.to(dtype) for i, end in zip(batch, ends, strict=True) if crosses[i]}
        traces += [end.trace().cpu() for end in ends]
        written += spectra(ends, dtype)
        exponents += [end.exponent for end in ends]
    assert packed is not None
    peaks = packed.peaks()
    packed.weigh()
    return _Bank(rows, packed, peaks, packed_row, cores, torch.stack(traces), stacked(written), torch.tensor(exponents))


def _ends(
    make: Callable[[int, torch.dtype], End], indices: np.ndarray, low: np.ndarray, dtype: torch.dtype
) -> list[End]:
    """Ends of low rank one on each thread; then dense ones, one after the other, each on all threads."""
    several = [index for index in indices.tolist() if low[index]]
    made = dict(zip(several, at_once(lambda index: make(index, dtype), several), strict=True))
    return [made[index] if index in made else make(index, dtype) for index in indices.tolist()]


def _tile(
    ask: Ask, plan: Routes, bank: _Bank, columns: np.ndarray, dtype: torch.dtype, again: Callable[[str, int], End]
) -> Tile:
    wanted = ask.wanted[np.ix_(bank.rows, columns)]
    kept = np.flatnonzero(wanted.any(1))
    rows = bank.rows[kept]
    ends = _ends(ask.reader, columns, ask.reader_ranks < ask.d, dtype)
    traces, read = torch.stack([end.trace() for end in ends]).cpu(), stacked(spectra(ends, dtype))
    written = bank.spectra[kept]
    x = torch.full((len(rows), len(columns)), torch.nan, dtype=torch.float64)
    by_gram = plan.by_gram[np.ix_(rows, columns)]
    rounding = torch.zeros_like(x)
    if by_gram.any():
        inner_columns = [j for j in range(len(columns)) if plan.readers[columns[j]]]
        packed = Packed.of([ends[j] for j in inner_columns], dtype)
        held = [i for i in range(len(rows)) if plan.writers[rows[i]]]
        places = bank.place[kept[held]]
        cells = np.ix_(held, inner_columns)
        x[cells] = products(bank.packed, packed, slice(places[0], places[-1] + 1)).cpu()[places - places[0]]
        a, b = torch.linalg.vector_norm(written[held], dim=1), torch.linalg.vector_norm(read[inner_columns], dim=1)
        rounding[cells] = ERROR * torch.minimum(bank.peaks[places].outer(b), a.outer(packed.peaks()))
    for j in range(len(columns)):
        others = np.flatnonzero(wanted[kept, j] & ~by_gram[:, j])
        if len(others):
            x[others, j] = crossed([bank.cores[int(kept[i])] for i in others], ends[j].matrix.to(dtype)).cpu()
    if dtype != torch.float64:
        chance = bank.traces[kept][:, None] * traces / ask.d
        unsure = torch.from_numpy(by_gram) & ((x.clamp(min=0) * chance).sqrt() < rounding / (2 * ALLOWED))
        for j in unsure.any(0).nonzero().flatten().tolist():
            unsure_rows = unsure[:, j].nonzero().flatten().tolist()
            x[unsure_rows, j] = _exactly([again("A", int(rows[i])) for i in unsure_rows], again("B", int(columns[j])))
    exponent = bank.exponents[kept][:, None] + torch.tensor([end.exponent for end in ends])
    return Tile(rows, columns, x.clamp(min=0), written, read, exponent)


def _exactly(writers: list[End], reader: End) -> Float[Tensor, " writer"]:
    """Products in double precision; products of cores avoid cancellation."""
    products = torch.tensor(
        [0.0 if not (w.full or reader.full) else w.product(reader) for w in writers], dtype=torch.float64
    )
    low = [] if reader.full else [i for i, writer in enumerate(writers) if not writer.full]
    if low:
        products[low] = crossed([writers[i].matrix for i in low], reader.matrix).cpu()
    return products
