"""The ends of a model's wires: the writers' and readers' matrices, in the form that the scores of wires use."""

from collections.abc import Callable
from dataclasses import replace

import torch

from loadstore.linear.ends import End, exponent_of, gram_of_rows, levelled, low_rank, of_rows
from loadstore.linear.factored import Factored
from loadstore.model.layers import Norm
from loadstore.model.ports import fold, reading, writing
from loadstore.model.weights import Weights
from loadstore.scores.control import turning
from loadstore.scores.cores import centre
from loadstore.scores.options import Asked
from loadstore.sites import EMBED, Reader, Writer


def writer_ends(weights: Weights, asked: Asked, *, centred: bool) -> Callable[[Writer, torch.dtype], End]:
    """A function that makes a writer's end, centred if ``centred`` and rotated by the control.

    Dense matrices are multiplied in the given dtype.
    """
    turn = turning(asked.control, asked.seed, weights.architecture.d_model, centred=centred)

    def end(writer: Writer, dtype: torch.dtype) -> End:
        written = _written(weights, writer, asked, dtype)
        written = written.turned(centre) if centred else written
        return written if turn is None else written.turned(turn)

    return end


def _written(weights: Weights, writer: Writer, asked: Asked, dtype: torch.dtype) -> End:
    matrix = writing(weights, writer).map(asked.norms)
    if isinstance(matrix, Factored):
        return low_rank(matrix)
    scales = None if asked.frequencies is None or writer != EMBED else asked.frequencies.sqrt()
    return of_rows(matrix, dtype, scales)


def reader_end(weights: Weights, reader: Reader, asked: Asked, dtype: torch.dtype, *, behind: bool) -> End:
    """B Bᵀ of a reader with its norm, for writers added before the norm or, if ``behind``, after it.

    Only the kind of the reader determines which matrices are read. The size only determines the form (``End.full``).
    """
    port = reading(weights, reader)
    columns = port.columns()
    if columns is None:
        return low_rank(port.map(asked.norms, bypassing=behind, offsets=asked.offsets).T)
    norm, gains = _levelled(port.norm if asked.norms == "fold" else None)
    if port.width < weights.architecture.d_model:
        rows = torch.cat([part.double() for part in columns])
        exponent = exponent_of(rows)
        return End(fold(levelled(rows, exponent).mT, norm).mT, full=False, exponent=exponent + gains)
    exponent = max(map(exponent_of, columns))
    gram = gram_of_rows(port.columns() or (), dtype, exponent=exponent)
    return End(fold(fold(gram, norm).mT, norm), full=True, exponent=exponent + gains)


def _levelled(norm: Norm | None) -> tuple[Norm | None, int]:
    """A norm with its gains in double precision divided by a power of two, and the exponent of that."""
    if norm is None or norm.gain is None:
        return norm, 0
    exponent = exponent_of(norm.gain)
    return replace(norm, gain=levelled(norm.gain.double(), exponent)), exponent
