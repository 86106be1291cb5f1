"""The ends of a model's wires: what each writer writes and each reader reads, as the scores of wires need them."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from loadstore.linear.ends import ROWS, End, gram_of_rows, low_rank, of_rows
from loadstore.model.folded import fold
from loadstore.model.weights import Weights
from loadstore.scores.control import turning
from loadstore.scores.folding import centre, ov, reader_map, reader_norm
from loadstore.scores.options import Asked
from loadstore.sites import Reader, Writer


def writer_ends(weights: Weights, asked: Asked, *, centred: bool) -> Callable[[Writer, torch.dtype], End]:
    """How to make a writer's end: as its readers see it, centred or not, and turned by the control.

    Dense matrices are multiplied in the number format given.
    """
    turn = turning(asked.control, asked.seed, weights.architecture.d_model, centred=centred)

    def end(writer: Writer, dtype: torch.dtype) -> End:
        found = _written(weights, writer, asked, dtype)
        found = found.turned(centre) if centred else found
        return found if turn is None else found.turned(turn)

    return end


def _written(weights: Weights, writer: Writer, asked: Asked, dtype: torch.dtype) -> End:
    if writer.kind == "head":
        return low_rank(ov(weights, writer.head, asked.norms))
    rows = written_rows(weights, writer)
    scales = None if asked.frequencies is None or writer.kind != "embed" else asked.frequencies.sqrt()
    return of_rows(weights.wide(rows), dtype, scales)


def written_rows(weights: Weights, writer: Writer) -> Tensor:
    """W_E, W_pos, W_out or b_O, as stored. Raises BadCheckpoint where it is not finite."""
    return weights.read(_stored_rows(weights, writer))


def _stored_rows(weights: Weights, writer: Writer) -> Tensor:
    if writer.kind == "embed":
        return weights.W_E
    if writer.kind == "pos":
        assert weights.W_pos is not None
        return weights.W_pos
    layer = weights.layers[writer.layer]
    if writer.kind == "bias":
        assert layer.b_O is not None
        return layer.b_O[None]
    assert layer.mlp is not None
    return layer.mlp.W_out


def reader_end(weights: Weights, reader: Reader, asked: Asked, dtype: torch.dtype, *, behind: bool) -> End:
    """B Bᵀ of a reader with its norm, as a writer before or behind the norm meets it.

    The reader's kind alone decides which matrices are read. Sizes decide only how the end is kept (``End.full``).
    """
    if not (reader.is_mlp or reader.is_unembed):  # a side of a head
        return low_rank(reader_map(weights, reader, asked.norms, behind=behind, offsets=asked.offsets).T)
    norm = reader_norm(weights, reader) if asked.norms == "fold" else None
    if read_height(weights, reader) < weights.architecture.d_model:
        rows = torch.cat([part.double() for part in _read_rows(weights, reader)])
        return End(fold(rows.mT, norm).mT, full=False)
    gram = gram_of_rows(_read_rows(weights, reader), dtype)
    return End(fold(fold(gram, norm).mT, norm), full=True)


def _read_rows(weights: Weights, reader: Reader) -> Iterator[Tensor]:
    """The columns of W_in and W_gate, or of W_U centred over the vocabulary, as rows."""
    if reader.is_mlp:
        mlp = weights.layers[reader.layer].mlp
        assert mlp is not None
        yield from (weights.wide(matrix).mT for matrix in (mlp.W_in, mlp.W_gate) if matrix is not None)
        return
    assert reader.is_unembed
    mean = weights.wide(weights.W_U).mean(1, keepdim=True)
    for start in range(0, weights.W_U.shape[1], ROWS):
        yield (weights.wide(weights.W_U[:, start : start + ROWS]) - mean).mT


def written_height(weights: Weights, writer: Writer) -> int:
    """Rows of what a writer writes, of a head those of W_O."""
    return weights.architecture.d_head if writer.kind == "head" else _stored_rows(weights, writer).shape[0]


def read_height(weights: Weights, reader: Reader) -> int:
    """Columns of what a reader reads through, of a head those of W_Q, W_K or W_V."""
    if reader.is_unembed:
        return weights.architecture.vocab
    if not reader.is_mlp:
        return weights.architecture.d_head
    mlp = weights.layers[reader.layer].mlp
    assert mlp is not None
    return sum(matrix.shape[1] for matrix in (mlp.W_in, mlp.W_gate) if matrix is not None)


def written_rank(weights: Weights, writer: Writer) -> int:
    """How many dimensions a writer can write at most."""
    return min(written_height(weights, writer), weights.architecture.d_model)


def read_rank(weights: Weights, reader: Reader) -> int:
    """How many dimensions a reader can read at most."""
    return min(read_height(weights, reader), weights.architecture.d_model)
