"""Overwriting: how much the regions of two writers have in common, compared with two random regions.

With P_a, P_b orthonormal rows of ranks r_a ≥ r_b in d dimensions,

    overlap = ‖P_a P_bᵀ‖²/r_b      the mean squared cosine of the r_b principal angles
    chance  = r_a/d                the mean over random rotations of one of them

z and p come from the exact null of ``subspace_scores``, for two flat spectra: X = ‖P_a P_bᵀ‖² has mean r_a r_b/d. A
region of rank d overlaps every other fully and has no null: NaN. Test: tests/memory/test_regions.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from loadstore.linear.decompositions import svdvals
from loadstore.linear.null import null

TILE = 1 << 24  # numbers per tile


@dataclass(frozen=True, eq=False)
class Overlaps:
    """Overlap of regions (rows) with others (columns); NaN for a region of rank 0."""

    overlap: Float[Tensor, "region other"]
    chance: Float[Tensor, "region other"]
    z: Float[Tensor, "region other"]
    p: Float[Tensor, "region other"]

    def of(self, rows: list[int]) -> "Overlaps":
        """Some rows of the tables."""
        return Overlaps(self.overlap[rows], self.chance[rows], self.z[rows], self.p[rows])


def overlaps(regions: Sequence[Float[Tensor, "_ d_model"]], d: int) -> Overlaps:
    """Compare all pairs of regions."""
    ranks = torch.tensor([len(rows) for rows in regions])
    stacked = torch.cat(list(regions)).float() if len(regions) > 64 else torch.cat(list(regions))
    owner = torch.repeat_interleave(torch.arange(len(regions)), ranks)
    x = torch.zeros(len(regions), len(regions), dtype=torch.float64)
    step = max(1, TILE // max(1, len(stacked)))
    for tile, mine in zip(stacked.split(step), owner.split(step), strict=True):
        squares = (tile @ stacked.mT).square()
        columns = torch.zeros(len(tile), len(regions), dtype=squares.dtype).index_add_(1, owner, squares)
        x.index_add_(0, mine, columns.double())
    spectra = (torch.arange(d) < ranks[:, None]).double()
    chance = null(spectra, spectra, d)
    least = torch.minimum(ranks[:, None], ranks[None]).double()
    most = torch.maximum(ranks[:, None], ranks[None]).double()
    empty = least == 0
    return Overlaps(
        *(
            torch.where(empty, torch.nan, value)
            for value in (x / least.clamp(min=1), most / d, chance.z(x), chance.p(x))
        )
    )


def principal_cosines(this: Float[Tensor, "_ d_model"], other: Float[Tensor, "_ d_model"]) -> Float[Tensor, " least"]:
    """Cosines of the principal angles of two regions, largest first."""
    return svdvals(this.double() @ other.double().mT).clamp(max=1)
