"""Chooses the cheaper of two exact routes for every wire: products of cores, or packed Gram matrices.

Multiplied terms, for ranks r_A, r_B below d and s numbers in a packed Gram matrix (a little over d²/2):

    one wire by cores   r_A · r_B · d            one wire by Gram matrices   s
                                                 one Gram matrix, once       MAKING · r · s

An end of full rank already has its Gram matrix. A multiplication costs the same on both routes up to a small factor,
which tests/scores/test_routes.py measures.
"""

from dataclasses import dataclass

import numpy as np

from loadstore.linear.bands import packed_size

MAKING = 1.5  # a Gram matrix is also written to memory, and its few terms per entry hide that only in part


@dataclass(frozen=True, eq=False)
class Routes:
    """The ends to convert to Gram matrices, the wires that then use them, and the total number of multiplied terms."""

    writers: np.ndarray
    readers: np.ndarray
    by_gram: np.ndarray
    terms: float


def routes(writer_ranks: np.ndarray, reader_ranks: np.ndarray, exists: np.ndarray, d: int) -> Routes:
    """Choose a route for every existing wire [writer, reader]. Ranks are at most d, which means full rank."""
    s = packed_size(d)
    full_w, full_r = writer_ranks == d, reader_ranks == d
    crossing = writer_ranks[:, None] * reader_ranks * float(d)
    forced = exists & (full_w[:, None] | full_r)
    saved = np.where(exists, crossing - s, 0.0).clip(min=0)
    make_w, make_r = MAKING * writer_ranks * s, MAKING * reader_ranks * s
    writers = full_w | forced.any(1) | (saved.sum(1) > make_w)
    readers = full_r | forced.any(0) | (saved[writers].sum(0) > make_r)
    writers &= full_w | forced.any(1) | (saved[:, readers].sum(1) > make_w)
    by_gram = exists & writers[:, None] & readers & (forced | (saved > 0))
    terms = (
        s * by_gram.sum()
        + crossing[exists & ~by_gram].sum()
        + make_w[writers & ~full_w].sum()
        + make_r[readers & ~full_r].sum()
    )
    return Routes(writers, readers, by_gram, float(terms))
