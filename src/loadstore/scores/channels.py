"""Channels: the singular directions of a writer's map, each scored separately against readers.

With A = Σ_i σ_i u_i v_iᵀ, channel k is A_k, the term of one singular value. Singular values that are equal within a
tolerance form one channel, a subspace. A B = Σ_k A_k B is a sum of orthogonal parts, so

    ‖A B‖² = Σ_k ‖A_k B‖²,   ‖A_k B‖² = Σ_{i ∈ k} σ_i² ‖v_iᵀ B‖²

Derivation: docs/channels.md. Source: Merullo et al. 2024 (Talking Heads), which scores rank-one parts of heads.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from loadstore.errors import BadRequest, Undefined
from loadstore.linear.null import null, unit
from loadstore.linear.singular import TOLERANCE, as_one, right_singular
from loadstore.linear.subspace import gram_eigenvalues
from loadstore.model.globs import matching
from loadstore.model.ports import Norms, reading, writing
from loadstore.model.weights import Weights
from loadstore.model.wiring import wiring
from loadstore.scores.cores import meets, reading_cores, stacked
from loadstore.scores.measures import OF_A_WIRE, ROUNDING, measured
from loadstore.scores.options import as_norms, as_offsets, averaged_over
from loadstore.sites import Head, Reader, Writer, parse_writer
from loadstore.threads import threads_for

if TYPE_CHECKING:
    import xarray as xr

MEASURES = (*OF_A_WIRE, "carried")
DEFINITION = (
    "channel k = A_k, a singular direction of A (what the writer stores, as its readers see it), or all whose "
    "strengths lie within {tolerance:g} of the strongest of them; score = ||A_k B||_F / (||A_k||_F ||B||_F) with its "
    "exact null; strength = sigma (root mean square); share = ||A_k||^2 / ||A||^2; carried = ||A_k B||^2 / ||A B||^2"
)


@dataclass(frozen=True)
class Split:
    """Singular directions of a writer: σ_i, v_i, the channel of each, and whether they are centred."""

    strengths: Float[Tensor, " rank"]
    directions: Float[Tensor, "rank d_model"]
    channel: Int[Tensor, " rank"]
    centred: bool
    behind: bool

    @property
    def count(self) -> int:
        """The number of channels."""
        return int(self.channel[-1]) + 1


@threads_for(0)
def channels(
    weights: Weights,
    writer: Writer | Head | str,
    readers: str | Sequence[str] = "*",
    *,
    norms: Norms = "fold",
    offset: int | range | None = None,
    tolerance: float = TOLERANCE,
    top: int | None = None,
) -> "xr.Dataset":
    """Score every channel of a writer: Dataset over channel (strongest first, from 1) and reader.

    Args:
        weights: The model.
        writer: The writer.
        readers: Globs of readers; readers that the writer does not reach are NaN.
        norms: As in ``ls.subspace_scores``.
        offset: As in ``ls.subspace_scores``.
        tolerance: Strengths within this relative difference form one channel, a subspace.
        top: Return only this many of the strongest channels.

    Returns:
        Over channel: ``strength`` σ_k, ``share`` σ_k²/‖A‖², and ``dimension``. The dimension is above 1 if several
        strengths are within ``tolerance`` of the strongest of them. Their directions are not determined, so the block
        is one channel, of strength √(mean σ²). Over (channel, reader): score = ‖A_k B‖/(‖A_k‖‖B‖), with chance, z, p,
        ceiling and alignment from its exact null. The score is ‖v_kᵀ B‖/‖B‖ for one direction and ‖V_kᵀ B‖/(√m ‖B‖) for
        m equal ones. carried = ‖A_k B‖²/‖A B‖² is the channel's share of the wire's squared product, NaN if that
        product is 0.

    Raises:
        NoSuchSite, NoSuchWire, BadRequest: Unknown sites, or no reader that the writer reaches.
        Undefined: The writer stores nothing, or only some of its readers centre.

    Example:
        >>> import loadstore as ls
        >>> model = ls.load("builtin")
        >>> channels = ls.vocabulary.channels(model, "L0.H7", "L1.H4.K", top=5)
        >>> channels["channel"].values.tolist()
        [1, 2, 3, 4, 5]
    """
    import xarray as xr

    norms, offsets = as_norms(norms), as_offsets(weights, offset)
    if top is not None and top < 1:
        raise BadRequest(f"top = {top}: expected a whole number of channels from 1, or None for all")
    network = wiring(weights)
    source, targets = network.writer(parse_writer(writer)), matching(network.readers, readers, network.reader)
    reached = [column for column, reader in enumerate(targets) if network.connects(source, reader)]
    if not reached:
        network.wire(source, targets[0])  # raises NoSuchWire with the reason
    read = [targets[column] for column in reached]
    split = split_writer(weights, source, read, norms, tolerance)
    met = [column for column in reached if meets(weights, targets[column], offsets)]
    values = _values(weights, split, [targets[column] for column in met], norms, offsets) if met else {}
    size = torch.zeros(split.count, dtype=torch.float64).index_add_(0, split.channel, split.strengths.square().cpu())
    dimension = torch.bincount(split.channel)
    kept = slice(None if top is None else min(top, split.count))
    every = {name: np.full((split.count, len(targets)), np.nan) for name in MEASURES}
    for name, scores in values.items():
        every[name][:, met] = scores.numpy()
    return xr.Dataset(
        {
            "strength": ("channel", (size / dimension).sqrt().numpy()[kept]),
            "share": ("channel", (size / size.sum()).numpy()[kept]),
            "dimension": ("channel", dimension.numpy()[kept]),
            **{name: (("channel", "reader"), table[kept]) for name, table in every.items()},
        },
        coords={"channel": np.arange(1, split.count + 1)[kept], "reader": [str(reader) for reader in targets]},
        attrs={
            "model": weights.name,
            "bos": weights.begins,
            "definition": DEFINITION.format(tolerance=tolerance) + averaged_over(weights, offsets),
            "title": f"Channels of {source}",
            "writer": str(source),
            "norms": norms,
            "tolerance": tolerance,
            "total": split.count,
        },
    )


def split_writer(
    weights: Weights, writer: Writer, readers: Sequence[Reader], norms: Norms, tolerance: float = TOLERANCE
) -> Split:
    """Singular directions of A as these readers load it: of A (I − 11ᵀ/d) if their norm centres.

    Raises BadRequest for an invalid tolerance, Undefined if A is zero or only some readers centre.
    """
    if not 0 <= tolerance < 1:
        raise BadRequest(f"tolerance = {tolerance}: expected a relative difference from 0 to less than 1")
    stores = writing(weights, writer)
    behind = stores.bypasses_norm
    centring = [not behind and reading(weights, reader).centres(norms) for reader in readers]
    if any(centring) and not all(centring):
        centred_reader, other = (
            next(r for r, c in zip(readers, centring, strict=True) if c == sort) for sort in (True, False)
        )
        raise Undefined(
            f"{centred_reader} sees what {writer} stores without its mean and {other} with it, and these two have "
            "different channels; choose readers of one sort, readers="
        )
    try:
        singular = right_singular(stores.map(norms), centred=all(centring))
    except Undefined as reason:
        raise Undefined(f"what {writer} of {weights.name} stores has no channels: {reason}") from None
    channel = as_one(singular.strengths, tolerance)
    return Split(singular.strengths, singular.directions, channel, all(centring), behind)


def _values(
    weights: Weights, split: Split, readers: Sequence[Reader], norms: Norms, offsets: range | None
) -> dict[str, Tensor]:
    """Every measure [channel, reader]. Readers are processed in batches; only their spectra are kept."""
    strengths = split.strengths * unit(split.strengths[None])
    rows = strengths[:, None] * split.directions
    x = torch.zeros(split.count, len(readers), dtype=torch.float64)
    read: list[Tensor] = []
    for column, core in enumerate(reading_cores(weights, readers, norms, behind=split.behind, offsets=offsets)):
        near_one = core * unit(core.abs().reshape(1, -1))
        x[:, column].index_add_(0, split.channel, (rows @ near_one).square().sum(1).cpu())
        read += [values.cpu() for values in gram_eigenvalues([near_one.mT])]
    sizes = torch.bincount(split.channel).tolist()
    own = stacked(list(strengths.square().cpu().split(sizes)))
    d = weights.architecture.d_model - split.centred
    chance = null(own, stacked(read), d)
    whole, norms_ = x.sum(0), chance.norms.sum(0)
    return measured(x, chance) | {"carried": torch.where(whole < ROUNDING * norms_, torch.nan, x / whole)}
