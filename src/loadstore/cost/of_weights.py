"""What analyses of the weights alone cost: scores, spectra, channels and vocabulary maps."""

from loadstore.cost.layers import DOUBLE, WIDE, heads_of, mlps_of, rows_of_dense, wires_of
from loadstore.cost.work import Work
from loadstore.linear.bands import packed_size
from loadstore.linear.routes import MAKING
from loadstore.model.architecture import Architecture

TOGETHER = 64  # readers that are multiplied with all their writers at once
CORE = 700  # measured: small operations of a head's end, those of Python around them included
DENSE = 150  # small operations of a dense end: its blocks, packed and mirrored
DOUBLED = 3.0  # measured: how much longer products in double precision take, with the widening of their factors
SHORT = 6.0  # measured: how much longer eigenvalues of a small matrix take than their share of a large one's


def eigenvalues(n: float | int) -> float:
    """Operations of the eigenvalues of one symmetric matrix."""
    return 4 / 3 * n**3


def writers_of_scores(shape: Architecture) -> Work:
    """The ends that write, those of all wires: Gram matrices of dense ends, cores of heads, their spectra."""
    inside = 0 if shape.mlp is None else shape.mlp.width
    return _ends(shape, heads_of(shape), float(shape.vocab + inside * shape.n_layers))


def readers_of_scores(shape: Architecture) -> Work:
    """The ends that read."""
    inside = 0 if shape.mlp is None else shape.mlp.width * (2 if shape.mlp.gated else 1)
    return _ends(shape, 3 * heads_of(shape), float(shape.vocab + inside * shape.n_layers))


def _ends(shape: Architecture, cores: int, rows: float) -> Work:
    """Some cores of heads, and the dense ends of one side with so many rows together."""
    d, inside = shape.d_model, min(shape.d_head, shape.d_model)
    dense, packed = 1.0 + mlps_of(shape), packed_size(d)
    by_gram = MAKING * inside if inside * inside * d > packed else 0.0
    return Work(
        products=2.0 * packed * (rows + cores * by_gram) + 2 * 6.0 * cores * d * inside**2,
        decompositions=dense * eigenvalues(d) + SHORT * cores * eigenvalues(inside),
        moved=dense * DOUBLE * 12 * d**2 + cores * (WIDE * 3.0 * packed + DOUBLE * 40.0 * d * inside),
        calls=CORE * cores + DENSE * dense,
    )


def wires_of_scores(shape: Architecture) -> Work:
    """The products of all wires, and their measures."""
    d, inside, packed = shape.d_model, min(shape.d_head, shape.d_model), packed_size(shape.d_model)
    wires, heads = wires_of(shape), heads_of(shape)
    readers = 3.0 * heads + mlps_of(shape) + 1
    batches = shape.n_layers * (1 + 3.0 * shape.n_heads / TOGETHER)
    return Work(
        products=2.0 * wires * min(packed, inside * inside * d) + 4.0 * wires * d,
        moved=WIDE * packed * (readers + batches * heads) + DOUBLE * 60.0 * wires,
        calls=batches * 150,
    )


def scores(shape: Architecture) -> Work:
    """Scores of every wire, with their null."""
    return writers_of_scores(shape) + readers_of_scores(shape) + wires_of_scores(shape)


def scores_of_head(shape: Architecture) -> Work:
    """Scores of all wires into one head."""
    return writers_of_scores(shape) + (readers_of_scores(shape) + wires_of_scores(shape)) * (1 / heads_of(shape))


def spectrum(shape: Architecture) -> Work:
    """The spectrum of a dense writer: the embedding."""
    d = float(shape.d_model)
    return Work(DOUBLED * 2.0 * shape.vocab * d**2, 2.0 * eigenvalues(d), DOUBLE * 3.0 * shape.vocab * d, 60.0)


def spectrum_of_head(shape: Architecture) -> Work:
    """The spectrum of a head, from its core."""
    d, inside = float(shape.d_model), float(shape.d_head)
    return Work(16.0 * d * inside**2, SHORT * 2.0 * eigenvalues(inside), DOUBLE * 8.0 * d * inside, 60.0)


def channels(shape: Architecture) -> Work:
    """How far every reader loads each direction of a head."""
    d, readers = float(shape.d_model), 3.0 * heads_of(shape) + mlps_of(shape) + 1
    inside = float(shape.d_head)
    dense = 2.0 * (rows_of_dense(shape) - shape.vocab) * d * d
    return Work(2 * readers * 8.0 * d * inside**2 + dense, 0.0, DOUBLE * 4.0 * readers * d * inside, 20.0 * readers)


def copying(shape: Architecture) -> Work:
    """One head's vocabulary map, from every token to every token, tile by tile, each tile counted once."""
    cells = float(shape.vocab) * shape.vocab
    return Work(2.0 * cells * shape.d_head, 0.0, WIDE * 3.0 * cells, cells / (512 * 2048) * 10)
