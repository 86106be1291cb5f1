"""The cells of a memory map's picture: which sites load or overwrite every region, with their marks."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from loadstore.memory.map_value import MemoryMap
from loadstore.sites import parse_reader

LOADS = 0.01  # minimum fraction of a reader's total load
ROWS = 60  # maximum rows and columns of a picture; the value has all
MARKS = (
    ("r", "loads 1 % or more of all it loads from there"),
    ("w", "loads from there, and stores there beyond chance"),
    ("!", "stores there beyond chance and hardly loads from there"),
    ("–", "neither"),
)


@dataclass(frozen=True, eq=False)
class Access:
    """Regions by later sites; a head is one site with its three sides.

    Args:
        regions: Their writers, in depth order.
        sites: Later writers in depth order, and the unembedding.
        loads: The largest fraction that the region has in the load of one side of the site; NaN if the site is not
            later.
        overlap: Mean squared cosine with the region of the site; NaN for the unembedding.
        chance: The same for random regions.
        exists: Which sites are later.
        marks: One of ``MARKS``.
    """

    regions: tuple[str, ...]
    sites: tuple[str, ...]
    loads: Float[np.ndarray, "region site"]
    overlap: Float[np.ndarray, "region site"]
    chance: Float[np.ndarray, "region site"]
    exists: Bool[np.ndarray, "region site"]
    marks: np.ndarray


def access(memory: MemoryMap) -> Access:
    """The regions that any writer can load (those of most power if there are many), and the sites that use them."""
    owners = [_site(name) for name in memory.sites]
    sites = list(dict.fromkeys(owners))
    loads = np.full((len(memory.regions), len(sites)), np.nan)
    for index, owner in enumerate(owners):
        column = sites.index(owner)
        loads[:, column] = np.fmax(loads[:, column], memory.loads[:, index])
    overlap, chance, beyond = np.full(loads.shape, np.nan), np.full(loads.shape, np.nan), np.zeros(loads.shape, bool)
    for column, site in enumerate(sites):
        if site in memory.others:
            at = memory.others.index(site)
            overlap[:, column] = memory.overlaps.overlap[:, at]
            chance[:, column] = memory.overlaps.chance[:, at]
            beyond[:, column] = memory.beyond[:, at]
    exists = np.isfinite(loads)
    rows = [index for index, later in enumerate(memory.follows) if later.any()] or list(range(len(loads)))
    power = np.nan_to_num([memory.regions[index].power for index in rows])
    rows = sorted(rows[index] for index in np.argsort(-power, kind="stable")[:ROWS])
    used = np.nan_to_num(loads[rows]) + beyond[rows]
    met = np.flatnonzero(exists[rows].any(0))
    columns = sorted(int(index) for index in met[np.argsort(-used[:, met].max(0, initial=0), kind="stable")][:ROWS])
    at = np.ix_(rows, columns)
    reads, stores = loads[at] >= LOADS, beyond[at]
    marks = np.select([~exists[at], reads & stores, reads, stores], ["", "w", "r", "!"], "–")
    names = tuple(memory.regions[index].writer for index in rows)
    return Access(
        names, tuple(sites[column] for column in columns), loads[at], overlap[at], chance[at], exists[at], marks
    )


def _site(reader: str) -> str:
    """The writer whose store depends on a load, or the unembedding."""
    parsed = parse_reader(reader)
    return reader if parsed.is_unembed or parsed.is_mlp else str(parsed.head)
