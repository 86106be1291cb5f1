"""Random circuits that match a circuit in everything but the choice of wires.

A control has as many wires as the circuit in each stratum: the kind of the writer, the side of the reader and the
reader's layer. Every live wire lies on a path from a changed embedding to the logits, so none is left out.
"""

import numpy as np
import torch
from jaxtyping import Bool
from torch import Tensor

from loadstore.circuits.live import Live

Chosen = Bool[np.ndarray, " wire"]


def strata(live: Live) -> np.ndarray:
    """The stratum of every live wire, in the order of ``chosen``."""
    rows, columns = (each.numpy() for each in live.exists.nonzero().unbind(1))
    numbers: dict[tuple[str, str, int], int] = {}
    kinds = [
        numbers.setdefault(
            (live.writers[row].kind, live.readers[column].side, live.readers[column].layer), len(numbers)
        )
        for row, column in zip(rows, columns, strict=True)
    ]
    return np.array(kinds)


def chosen(live: Live, mask: Bool[Tensor, "writer reader"]) -> Chosen:
    """A circuit as one boolean for each live wire."""
    return mask[live.exists].numpy()


def as_mask(live: Live, wires: Chosen) -> Bool[Tensor, "writer reader"]:
    """The matrix for such booleans."""
    mask = torch.zeros_like(live.exists)
    mask[live.exists] = torch.from_numpy(wires)
    return mask


def alike(kinds: np.ndarray, wires: Chosen, generator: np.random.Generator, *, outside: Chosen | None = None) -> Chosen:
    """Draw as many wires of every stratum as the circuit has.

    Args:
        kinds: The stratum of every live wire.
        wires: The circuit.
        generator: The random generator.
        outside: Wires to avoid. If a stratum has too few others, all of those are taken.
    """
    drawn = np.zeros_like(wires)
    free = np.ones_like(wires) if outside is None else ~outside
    counts = np.bincount(kinds[wires], minlength=int(kinds.max()) + 1)
    for kind in np.flatnonzero(counts):
        places = np.flatnonzero((kinds == kind) & free)
        drawn[generator.permutation(places)[: counts[kind]]] = True
    return drawn
