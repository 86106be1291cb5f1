"""The traffic of every wire into one point, from the moments of a corpus: θ = traffic² = tr(Σ_w b), b = B M Bᵀ.

For a head Σ_w = W_Oᵀ Σ_z W_O. Its traffic therefore needs only H = W_O B and matrices of size d_head. Other writers are
given as rows y = uB. Keys at the first position, where attention rests and stores are large, form a separate stratum.
θ = tr(Σ_w b) + tr(Σ_w′ b′), and the first term covers all other positions (docs/traffic.md).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from loadstore.wire_traffic.loads import Loads

Rows = Float[Tensor, "token writer load inside"]
Whole = Float[Tensor, "token load inside"]


@dataclass(frozen=True, eq=False)
class Carried:
    """For some writers and readers: θ, tr(Cov(u_w, x) b) with x the reader's whole input, and the groups' pulls.

    ``pull``: the first-order change of θ due to each group of documents, through its writers' moments and through its
    readers' M; the pulls sum to 0.
    """

    theta: Float[Tensor, "writer reader"]
    cross: Float[Tensor, "writer reader"]
    pull: Float[Tensor, "group writer reader"]

    def __add__(self, more: "Carried") -> "Carried":
        return Carried(self.theta + more.theta, self.cross + more.cross, self.pull + more.pull)


@dataclass(frozen=True, eq=False)
class Sample:
    """The group of each row, the number of groups, and each group's fraction of all tokens."""

    group: Int[Tensor, " token"]
    parts: Float[Tensor, " group"]

    @property
    def own(self) -> Float[Tensor, " group"]:
        """Each group's fraction of these rows."""
        return torch.bincount(self.group, minlength=len(self.parts)).to(self.parts.dtype) / len(self.group)

    def places(self) -> Iterator[slice]:
        """Each group's rows, which are contiguous."""
        ends = torch.bincount(self.group, minlength=len(self.parts)).cumsum(0).tolist()
        for start, end in zip([0, *ends], ends, strict=False):
            yield slice(start, end)


def grams(rows: Float[Tensor, "token writer d_head"], sample: Sample) -> Float[Tensor, "group writer d_head d_head"]:
    """Every group's part of Σ_z; the parts sum to Σ_z."""
    by_writer = rows.transpose(0, 1)
    return torch.stack([by_writer[:, chosen].mT @ by_writer[:, chosen] for chosen in sample.places()]) / len(rows)


def from_heads(
    rows: Float[Tensor, "token writer d_head"],
    moment: Float[Tensor, "group writer d_head d_head"],
    W_O: Float[Tensor, "writer d_head d_model"],
    whole: Whole,
    loads: Loads,
    sample: Sample,
) -> Carried:
    """Heads of one layer into the readers of one kind at a point; ``moment`` holds the Gram matrices of ``rows``."""
    H = loads.through(W_O).transpose(1, 2).contiguous()  # [writer, load, d_head, inside]
    mixed = (rows.flatten(1).mT @ whole.flatten(1)).unflatten(1, whole.shape[1:]).unflatten(0, rows.shape[1:])
    met = loads.met
    each = loads.each(H, 1)
    HM = each if met is None else each @ met.sum(0)
    inside = HM @ each.mT
    own = (moment.transpose(0, 1).flatten(2) @ inside.flatten(2).mT).transpose(0, 1)
    cross = (HM * loads.each(mixed.transpose(1, 2), 1)).sum((-2, -1)) / len(rows)
    seen = None if met is None else H.mT @ moment.sum(0)[:, None] @ H
    return _pulled(own, cross, seen, met, loads, sample)


def from_rows(rows: Rows, whole: Whole, loads: Loads, met: Tensor | None, sample: Sample) -> Carried:
    """Writers given by their rows y = uB, into the readers of one kind."""
    y = loads.each(rows, 2)
    yM = y if met is None else (y.transpose(0, 2) @ met.sum(0)[:, None]).transpose(0, 2)
    each = (yM * y).sum(-1)
    own = torch.stack([each[chosen].sum(0) for chosen in sample.places()]) / len(rows)
    cross = (yM * loads.each(whole, 1)[:, None]).sum((0, -1)) / len(rows)
    by_load = rows.permute(1, 2, 0, 3)
    seen = None if met is None else by_load.mT @ by_load / len(rows)
    return _pulled(own, cross, seen, met, loads, sample)


def _pulled(
    own: Float[Tensor, "group writer reader"],
    cross: Float[Tensor, "writer reader"],
    seen: Float[Tensor, "writer load inside inside"] | None,
    met: Float[Tensor, "group reader inside inside"] | None,
    loads: Loads,
    sample: Sample,
) -> Carried:
    """Combine θ, cross and pulls: θ is bilinear in the writers' moments and M, so a group pulls on both."""
    theta = own.sum(0)
    pull = own - sample.own.to(own)[:, None, None] * theta
    if met is not None and seen is not None:
        other = (loads.each(seen, 1).transpose(0, 1).flatten(2) @ met.transpose(0, 1).flatten(2).mT).permute(2, 1, 0)
        pull = pull + other - sample.parts.to(own)[:, None, None] * theta
    return Carried(theta, cross, pull)
