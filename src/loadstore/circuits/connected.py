"""Orders the wires of a ranking by the time at which they join a path from the embedding to the logits.

A wire off such a path changes nothing: its writer loads nothing that differs, or its reader does not reach the logits.
F of a set of wires therefore equals F of those on a path. This order makes every one of the k wires of a circuit carry
something. Test: tests/circuits/test_connected.py.
"""

from collections.abc import Collection, Sequence

import numpy as np

from loadstore.circuits.live import loads_inside
from loadstore.sites import Reader, Writer, parse_reader, parse_writer

NEVER = np.iinfo(np.int64).max


def connected(
    order: np.ndarray, writers: Sequence[str], readers: Sequence[str], together: Collection[int] = ()
) -> np.ndarray:
    """Order wires by when they lie on a path of earlier wires; ties by rank.

    A wire w → r of rank k lies on a path from time max(k, reached(w), needed(r)) on. reached(w) is the earliest time at
    which a path leads from the embedding to w; needed(r) is the same for a path from r to the logits.

    Args:
        order: The indices of the wires, strongest first.
        writers: The writer of each wire; wires are in depth order of their writers.
        readers: The reader of each wire.
        together: Layers whose heads share the scale of a norm after them. A load of one such head changes the stores of
            all of them.

    Returns:
        The indices of the wires, in the new order.
    """
    rows, columns = list(dict.fromkeys(writers)), list(dict.fromkeys(readers))
    row_of, column_of = ({name: index for index, name in enumerate(names)} for names in (rows, columns))
    at = np.array([row_of[name] for name in writers]), np.array([column_of[name] for name in readers])
    ranks = np.empty(len(order), dtype=np.int64)
    ranks[order] = np.arange(len(order))
    rank = np.full((len(rows), len(columns)), NEVER)
    rank[at] = ranks
    loads = _loads([parse_writer(name) for name in rows], columns, together)
    reached = np.array([-1 if name == "embed" else NEVER for name in rows])
    for row, through in enumerate(loads):
        if through:
            reached[row] = np.maximum(rank[:, through], reached[:, None]).min()
    needed = np.array([-1 if name == "unembed" else NEVER for name in columns])
    for row in reversed(range(len(rows))):
        time = np.maximum(rank[row], needed).min()
        needed[loads[row]] = np.minimum(needed[loads[row]], time)
    return np.lexsort((ranks, np.maximum(ranks, np.maximum(reached[at[0]], needed[at[1]]))))


def _loads(writers: Sequence[Writer], readers: Sequence[str], together: Collection[int]) -> list[list[int]]:
    """The readers, by index, that change each writer's store."""
    of_head: dict[Writer, list[int]] = {}
    of_layer: dict[int, list[int]] = {}
    inside: dict[Reader, int] = {}
    for index, name in enumerate(readers):
        reader = parse_reader(name)
        inside[reader] = index
        if not (reader.is_unembed or reader.is_mlp):
            of_head.setdefault(Writer("head", reader.layer, reader.index), []).append(index)
            of_layer.setdefault(reader.layer, []).append(index)

    def loads(writer: Writer) -> list[int]:
        if writer.in_mlp:
            return [inside[reader] for reader in loads_inside(writer) if reader in inside]
        return of_layer.get(writer.layer, []) if writer.layer in together else of_head.get(writer, [])

    return [loads(writer) if writer.layer >= 0 else [] for writer in writers]
