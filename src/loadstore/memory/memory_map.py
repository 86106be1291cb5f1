"""The memory map of a model: where every writer stores, who stores there later, and who loads it.

Regions: memory/region.py. Overlaps: memory/overlap.py. Loads: traffic² of a wire over all that its reader loads,
tr(Σ_w b)/tr(Σ_x b), so that readers of different units compare. Docs: docs/memory.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from loadstore.bounds import Count
from loadstore.errors import BadRequest, NoSuchSite
from loadstore.memory.depth import later
from loadstore.memory.map_text import table
from loadstore.memory.overlap import Overlaps, overlaps
from loadstore.memory.region import SHARE, Region, regions
from loadstore.memory.stores import Corpora, kept_moments, varying
from loadstore.model.globs import matching
from loadstore.model.weights import Weights
from loadstore.model.wiring import wiring
from loadstore.progress import Progress
from loadstore.sites import parse_writer
from loadstore.wire_traffic.traffic import traffic

if TYPE_CHECKING:
    import xarray as xr

LEVEL = 0.01  # family-wise, over all pairs of a region and a later one
DEFINITION = (
    "region: the smallest subspace with {share:g} of the covariance of what a writer stores, means and first positions "
    "left out; overlap: mean squared cosine of two regions' principal angles, beside that of random ones; load: "
    "traffic^2 over all that the reader loads"
)


@dataclass(frozen=True, eq=False)
class MemoryMap:
    """The regions of a model's writers, in depth order.

    Args:
        regions: One for each writer that was asked for and varies.
        others: The names of all writers whose store varies.
        overlaps: Of every region with that of every other writer [region, other].
        follows: Boolean [region, other]: whether the second can load what the first stored.
        readers: Of each region, the readers for which it is the largest part of what they load, with that part.
        attrs: Model, corpus, share, how many pairs were compared and the p below which an overlap counts.
    """

    regions: tuple[Region, ...]
    others: tuple[str, ...]
    overlaps: Overlaps
    follows: np.ndarray
    readers: tuple[tuple[tuple[str, float], ...], ...]
    attrs: dict[str, Any]

    def region(self, writer: str) -> Region:
        """The region of a writer. Raises NoSuchSite with the nearest name."""
        return self.regions[_place(self, writer)]

    def overwriters(self, writer: str) -> list[tuple[str, float, float]]:
        """Later writers whose region overlaps more than chance, most first: (writer, overlap, chance).

        More than chance: p below 1 % divided by the number of pairs compared. Raises NoSuchSite.
        """
        row = _place(self, writer)
        beyond = self.follows[row] & (self.overlaps.p[row].numpy() < self.attrs["p_threshold"])
        overlaps = [
            (self.others[j], float(self.overlaps.overlap[row, j]), float(self.overlaps.chance[row, j]))
            for j in np.flatnonzero(beyond)
        ]
        return sorted(overlaps, key=lambda each: -each[1])

    def to_xarray(self) -> "xr.Dataset":
        """Dataset over writer and later: rank, variance, power, share; overlap, chance, z, p where later follows."""
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
            },
            coords={"writer": names, "later": list(self.others)},
            attrs=self.attrs,
        )

    def to_dict(self, top: int = 3) -> dict[str, Any]:
        """Plain numbers and texts: the attributes, and a list of regions with their strongest overwriters."""
        return {**self.attrs, "regions": [self._region(region, readers, top) for region, readers in self._rows()]}

    def __str__(self) -> str:
        return table(self.attrs, [self._region(region, readers, 2) for region, readers in self._rows()])

    def __repr__(self) -> str:
        """How many regions, and of what; ``print`` gives the table."""
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


def memory_map(
    weights: Weights,
    corpus: Corpora = None,
    *,
    writers: str | Sequence[str] = "*",
    share: float = SHARE,
    top: Count = 3,
    directions: Count = 1,
    tokens: int | None = None,
    length: int | None = None,
    progress: Progress | None = None,
) -> MemoryMap:
    """Map where every writer stores on a corpus, who stores there later, and which readers load most of it.

    Args:
        weights: The model.
        corpus: The shipped one (None), a folder, a file, texts, token ids, or ``moments`` kept from before.
        writers: Globs; constants are left out, since they do not vary.
        share: Part of a writer's variance that its region holds, above 0 and below 1.
        top: Readers to list for each region.
        directions: Directions of each region to decode.
        tokens: Take documents until so many tokens.
        length: Tokens of a piece of text.
        progress: Called with the steps done and all of them.

    Raises:
        NoSuchSite, BadRequest, BadPrompt, Undefined: Unknown writers, a share outside (0, 1), an unusable corpus.

    Example:
        >>> import loadstore as ls
        >>> model = ls.load("builtin")
        >>> texts = ["the cat sat on the mat. the dog sat on the log.", "one two three one two three"]
        >>> memory = ls.memory_map(model, texts)
        >>> memory.regions[0].writer, memory.regions[0].rows.shape[1] == model.architecture.d_model
        ('embed', True)
    """
    if not 0 < share < 1:
        raise BadRequest(f"share={share}: expected a part of the variance above 0 and below 1, such as .9")
    network = wiring(weights)
    chosen = matching(network.writers, writers, network.writer)
    everyone = varying(weights)
    rows = [index for index, writer in enumerate(everyone) if writer in chosen]
    mapped = tuple(everyone[index] for index in rows)
    if not mapped:
        raise BadRequest(f"{', '.join(map(str, chosen))}: a constant does not vary, so it has no region; name others")
    kept = kept_moments(weights, corpus, readers="*", tokens=tokens, length=length, progress=progress)
    every_region = regions(kept, everyone, share, {str(writer): directions for writer in mapped})
    loads = traffic(weights, kept, writers=[str(writer) for writer in mapped], progress=progress)["own"]
    follows = later(weights, everyone)[rows]
    compared = int(follows.sum())
    readers: list[str] = [str(reader) for reader in loads.reader.values]
    return MemoryMap(
        tuple(every_region[index] for index in rows),
        tuple(map(str, everyone)),
        overlaps([region.rows for region in every_region], weights.architecture.d_model).of(rows),
        follows,
        tuple(_loudest(readers, row, top) for row in loads.values),
        {
            "model": weights.name,
            "bos": weights.begins,
            "corpus": kept.corpus,
            "documents": kept.documents,
            "tokens": len(kept.tokens),
            "share_of_variance": share,
            "pairs": compared,
            "p_threshold": LEVEL / max(1, compared),
            "definition": DEFINITION.format(share=share),
        },
    )


def _loudest(readers: list[str], loads: np.ndarray, top: int) -> tuple[tuple[str, float], ...]:
    order = np.argsort(-np.nan_to_num(loads, nan=-1.0), kind="stable")[:top]
    return tuple((readers[index], float(loads[index])) for index in order if loads[index] > 0)


def _place(memory: MemoryMap, writer: str) -> int:
    """The place of a writer's region. Raises NoSuchSite."""
    name, names = str(parse_writer(writer)), [region.writer for region in memory.regions]
    if name not in names:
        nearest = min(names, key=lambda other: sum(a != b for a, b in zip(other.ljust(9), name.ljust(9), strict=False)))
        raise NoSuchSite(f"the map has no region of {name}. Nearest: {nearest}.")
    return names.index(name)
