"""When each wire of a ranking begins to carry something: once it lies on a path of wires from the embedding to the logits.

A wire whose writer loads nothing that differs, or from whose reader no path leads to the logits, changes nothing: F of a set
of wires is F of those on a path. Wires are therefore counted in the order in which they come to lie on one, so that a
circuit of k wires has k that carry something. Test: tests/circuits/test_connected.py.
"""

import numpy as np

from loadstore.circuits.live import Live
from loadstore.sites import UNEMBED, Writer

NEVER = np.iinfo(np.int64).max


def connected(order: np.ndarray, live: Live) -> np.ndarray:
    """Order wires by when they lie on a path of wires that came before them; wires of equal time by rank.

    A wire w → r of rank k lies on a path from the time max(k, from(w), to(r)) on. from(w) is the earliest time at which
    a path leads from the embedding to w, the minimum over the wires into w of their own; to(r) likewise towards the logits.

    Args:
        order: The places of the live wires, strongest first.
        live: The wires.

    Returns:
        The places of the wires, in the new order.
    """
    exists = live.exists.numpy()
    rank = np.full(exists.shape, NEVER)
    ranks = np.empty(len(order), dtype=np.int64)
    ranks[order] = np.arange(len(order))
    rank[exists] = ranks
    loads = [_loads(live, writer) for writer in live.writers]
    reached = _reached(rank, loads)
    needed = _needed(rank, loads, live.place_of_reader[UNEMBED])
    time = np.maximum(np.maximum(rank, reached[:, None]), needed[None])[exists]
    return np.lexsort((ranks, time))


def _loads(live: Live, writer: Writer) -> list[int]:
    """The columns of the readers that change what a writer stores, those of the other heads behind one norm included."""
    if writer.kind == "head" and writer.layer in live.together:
        heads = [head for head in live.writers if head.kind == "head" and head.layer == writer.layer]
        return [column for head in heads for column in live.loads_of(head)]
    return live.loads_of(writer)


def _reached(rank: np.ndarray, loads: list[list[int]]) -> np.ndarray:
    """The time from which each writer stores something that differs."""
    reached = np.full(len(loads), NEVER)
    reached[0] = -1  # the embedding
    for place, columns in enumerate(loads):
        if columns:
            reached[place] = np.maximum(rank[:, columns], reached[:, None]).min()
    return reached


def _needed(rank: np.ndarray, loads: list[list[int]], unembed: int) -> np.ndarray:
    """The time from which what each reader loads leads to the logits."""
    needed = np.full(rank.shape[1], NEVER)
    needed[unembed] = -1
    for place in range(len(loads) - 1, -1, -1):
        time = np.maximum(rank[place], needed).min()
        for column in loads[place]:
            needed[column] = min(needed[column], time)
    return needed
