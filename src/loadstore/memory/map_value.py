"""The memory map of a model, as a value. Definition: memory/memory_map.py and docs/memory.md."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from loadstore.errors import NoSuchSite
from loadstore.memory.map_text import table
from loadstore.memory.overlap import Overlaps
from loadstore.memory.region import Region
from loadstore.sites import parse_writer

if TYPE_CHECKING:
    import xarray as xr


@dataclass(frozen=True, eq=False)
class MemoryMap:
    """The regions of a model's writers, in depth order.

    Args:
        regions: One for each requested writer whose store varies.
        others: The names of all writers whose store varies.
        overlaps: Overlaps of every region with that of every other writer [region, other].
        follows: Boolean [region, other]: whether the second can load the first one's store.
        loads: The fraction of a reader's total load that each region's writer stored [region, site].
        sites: The names of all readers.
        readers: For each region, the readers for which it is the largest fraction of the load, with that fraction.
        attrs: Model, corpus, share, the number of pairs compared and the p below which an overlap counts.
    """

    regions: tuple[Region, ...]
    others: tuple[str, ...]
    overlaps: Overlaps
    follows: np.ndarray
    loads: np.ndarray
    sites: tuple[str, ...]
    readers: tuple[tuple[tuple[str, float], ...], ...]
    attrs: dict[str, Any]

    def region(self, writer: str) -> Region:
        """The region of a writer. Raises NoSuchSite with the nearest name."""
        return self.regions[_place(self, writer)]

    @property
    def beyond(self) -> np.ndarray:
        """Boolean [region, other]: whether the second can load the region and overlaps it above chance."""
        return self.follows & (self.overlaps.p.numpy() < self.attrs["p_threshold"])

    def overwriters(self, writer: str) -> list[tuple[str, float, float]]:
        """Later writers whose region overlaps above chance, largest first: (writer, overlap, chance).

        Above chance: p below 1 % divided by the number of pairs compared. Raises NoSuchSite.
        """
        row = _place(self, writer)
        beyond = self.beyond[row]
        overlaps = [
            (self.others[j], float(self.overlaps.overlap[row, j]), float(self.overlaps.chance[row, j]))
            for j in np.flatnonzero(beyond)
        ]
        return sorted(overlaps, key=lambda each: -each[1])

    def to_xarray(self) -> "xr.Dataset":
        """Dataset over writer: rank, variance, power, share; over later overlap, chance, z, p; over reader load."""
        import xarray as xr

        names = [region.writer for region in self.regions]
        pairs = {name: getattr(self.overlaps, name).numpy() for name in ("overlap", "chance", "z", "p")}
        return xr.Dataset(
            {
                **{
                    name: ("writer", np.array([getattr(region, name) for region in self.regions]))
                    for name in ("rank", "variance", "power", "share")
                },
                **{n: (("writer", "later"), np.where(self.follows, value, np.nan)) for n, value in pairs.items()},
                "load": (("writer", "reader"), self.loads),
            },
            coords={"writer": names, "later": list(self.others), "reader": list(self.sites)},
            attrs=self.attrs,
        )

    def to_dict(self, top: int = 3) -> dict[str, Any]:
        """Plain numbers and texts: the attributes, and a list of regions with their strongest overwriters."""
        return {**self.attrs, "regions": [self._region(region, readers, top) for region, readers in self._rows()]}

    def __str__(self) -> str:
        return table(self.attrs, [self._region(region, readers, 2) for region, readers in self._rows()])

    def __repr__(self) -> str:
        """The number of regions, the model and the corpus; ``print`` shows the table."""
        return (
            f"Memory map of {self.attrs['model']}: {len(self.regions)} regions on {self.attrs['tokens']:,} tokens of "
            f"{self.attrs['corpus']}; print it for the table"
        )

    def _rows(self) -> list[tuple[Region, tuple[tuple[str, float], ...]]]:
        return list(zip(self.regions, self.readers, strict=True))

    def _region(self, region: Region, readers: Sequence[tuple[str, float]], top: int) -> dict[str, Any]:
        others = self.overwriters(region.writer)
        return {
            "writer": region.writer,
            **{name: getattr(region, name) for name in ("rank", "variance", "power", "share")},
            "overwriters": len(others),
            "overwritten_by": [
                {"writer": name, "overlap": overlap, "chance": chance} for name, overlap, chance in others[:top]
            ],
            "readers": [{"reader": reader, "load": load} for reader, load in readers],
            "directions": [
                {"way": each.way, "held": each.held, "plus": list(each.plus), "minus": list(each.minus)}
                for each in region.directions
            ],
        }


def _place(memory: MemoryMap, writer: str) -> int:
    """The index of a writer's region. Raises NoSuchSite."""
    name, names = str(parse_writer(writer)), [region.writer for region in memory.regions]
    if name not in names:
        nearest = min(names, key=lambda other: sum(a != b for a, b in zip(other.ljust(9), name.ljust(9), strict=False)))
        raise NoSuchSite(f"the map has no region of {name}. Nearest: {nearest}.")
    return names.index(name)
