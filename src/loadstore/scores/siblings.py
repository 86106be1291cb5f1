"""The null that permutes heads within their layers: the rank of a wire among the wires of its ends' siblings."""

from collections.abc import Sequence

import numpy as np

from loadstore.model.wiring import Wiring
from loadstore.sites import Reader, Writer

TIE = 1e-9  # alignments that differ by less are equal


def with_siblings(
    network: Wiring, writers: Sequence[Writer], readers: Sequence[Reader]
) -> tuple[list[Writer], list[Reader]]:
    """The given sites and the other heads of their layers on the same sides, in depth order."""
    layers = {writer.layer for writer in writers if writer.kind == "head"}
    sides = {(reader.layer, reader.side) for reader in readers if reader.index >= 0}
    return (
        [w for w in network.writers if w in writers or (w.kind == "head" and w.layer in layers)],
        [r for r in network.readers if r in readers or (r.index >= 0 and (r.layer, r.side) in sides)],
    )


def among_heads(writers: Sequence[Writer], readers: Sequence[Reader], alignment: np.ndarray) -> np.ndarray:
    """Share of the sibling pairs that are at least as aligned as each wire.

    A sibling pair is a head of the writer's layer and the same side of a head of the reader's layer. The wire itself
    and its ties are counted. NaN if an end is not a head or the alignment is undefined. All siblings must be present.
    """
    shares = np.full(alignment.shape, np.nan)
    sources = [w.layer if w.kind == "head" else None for w in writers]
    targets = [(r.layer, r.side) if r.index >= 0 else None for r in readers]
    for source in {layer for layer in sources if layer is not None}:
        for target in {side for side in targets if side is not None}:
            cells = np.ix_(
                [i for i, layer in enumerate(sources) if layer == source],
                [j for j, side in enumerate(targets) if side == target],
            )
            block = alignment[cells]
            finite = np.sort(block[np.isfinite(block)])
            if len(finite):
                above = len(finite) - np.searchsorted(finite, block - TIE)
                shares[cells] = np.where(np.isfinite(block), above / len(finite), np.nan)
    return shares
