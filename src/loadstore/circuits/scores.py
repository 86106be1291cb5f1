"""Subspace scores of every wire, each with its exact null and, on request, a control."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from loadstore.circuits.control import controlled
from loadstore.circuits.folding import Norms, centre, reader_map, reader_norm, reads_after_norm, writer_map
from loadstore.circuits.options import Control, as_control, as_norms, as_offsets, as_seed, averaged_over
from loadstore.circuits.relative import relative
from loadstore.linear.factored import Factored
from loadstore.linear.null import null
from loadstore.linear.subspace import gram_eigenvalues, reader_cores, writer_cores
from loadstore.models.globs import matching
from loadstore.models.weights import Weights
from loadstore.models.wiring import wiring
from loadstore.sites import Reader, Writer

if TYPE_CHECKING:
    import xarray as xr

_Site = TypeVar("_Site", Writer, Reader)
ROUNDING = 1e-15  # squared scores below this are rounding of the double-precision cores
BATCH = 32
MEASURES = ("score", "chance", "z", "p", "ceiling", "alignment")
DEFINITION = (
    "score = ||A B||_F / (||A||_F ||B||_F), A what the writer writes, B what the reader reads; "
    "null = a Haar-random rotation between them; alignment = 0 at chance, 1 at the ceiling, -1 at the floor"
)


def subspace_scores(
    weights: Weights,
    norms: Norms = "fold",
    *,
    writers: str | Sequence[str] = "*",
    readers: str | Sequence[str] = "*",
    control: Control = "none",
    seed: int = 0,
    offset: int | None = None,
) -> "xr.Dataset":
    """Score every wire: Dataset over (writer, reader) with score chance z p ceiling alignment relative.

    ``norms="fold"`` gives the norms to the matrices they belong to, ``"ignore"`` the raw product that other tools
    print. ``writers`` and ``readers`` are globs, one or several. ``control="reversed"`` reverses the coordinates of
    what writers write, ``"haar"`` rotates it by a random orthogonal matrix of ``seed``. A pair that the architecture
    does not connect is NaN. Under rotary positions the Q and K sides are averaged, uniformly, over the offsets that
    the layer lets meet (its window, or the context), or taken at one ``offset`` = query − key (NaN where the window of
    a layer ends before it). ``relative`` is the log
    score less the writer's and the reader's main effects.
    Raises NoSuchSite when a glob matches nothing, BadRequest for unknown options. Source: Elhage et al. 2021.
    """
    import xarray as xr

    norms, control, seed = as_norms(norms), as_control(control), as_seed(seed)
    offsets = as_offsets(weights, offset)
    network = wiring(weights)
    kept_writers = matching(network.writers, writers, network.writer)
    kept_readers = matching(network.readers, readers, network.reader)
    met = [_meets(weights, reader, offset) for reader in kept_readers]
    exists = np.array([[network.connects(w, r) for r in kept_readers] for w in kept_writers]) & met
    values = {name: np.full(exists.shape, np.nan) for name in MEASURES}
    for group in _groups(weights, kept_writers, kept_readers, norms, exists):
        block = _block(weights, group, norms, control, seed, offsets)
        cells = np.ix_(group.writer_index, group.reader_index)
        for name in MEASURES:
            values[name][cells] = np.where(exists[cells], block[name].numpy(), np.nan)
    values["relative"] = relative(values["score"])
    return xr.Dataset(
        {name: (("writer", "reader"), value) for name, value in values.items()},
        coords={"writer": [str(w) for w in kept_writers], "reader": [str(r) for r in kept_readers]},
        attrs={
            "model": weights.name,
            "bos": weights.begins,
            "definition": DEFINITION + averaged_over(weights, offsets),
            "norms": norms,
            "control": control,
            "seed": seed,
        },
    )


def _meets(weights: Weights, reader: Reader, offset: int | None) -> bool:
    """Whether a layer lets a query see a key at this offset; only Q and K ask."""
    return reader.side not in ("Q", "K") or offset is None or offset < weights.architecture.reach(reader.layer)


@dataclass(frozen=True)
class _Group:
    """Wires whose writers meet their readers in the same space: centred, raw, or behind the norm."""

    writers: list[Writer]
    readers: list[Reader]
    writer_index: list[int]
    reader_index: list[int]
    centred: bool
    behind: bool


def _groups(
    weights: Weights, writers: Sequence[Writer], readers: Sequence[Reader], norms: Norms, exists: np.ndarray
) -> list[_Group]:
    """At most four: (behind the norm or not) × (this reader centres or not); writers without a wire are left out."""
    groups: list[_Group] = []
    for behind in (False, True):
        for centred in (False, True):
            some_r = [j for j, r in enumerate(readers) if (_centres(weights, r, norms) and not behind) == centred]
            some_w = [
                i for i, w in enumerate(writers) if reads_after_norm(weights, w) == behind and exists[i, some_r].any()
            ]
            if some_w and some_r:
                groups.append(
                    _Group([writers[i] for i in some_w], [readers[j] for j in some_r], some_w, some_r, centred, behind)
                )
    return groups


def _centres(weights: Weights, reader: Reader, norms: Norms) -> bool:
    norm = reader_norm(weights, reader)
    return norms == "fold" and norm is not None and norm.centres


def _block(
    weights: Weights, group: _Group, norms: Norms, control: Control, seed: int, offsets: range | None
) -> dict[str, Tensor]:
    """All measures of one group, in double precision through the cores."""
    d_model = weights.architecture.d_model
    cores: list[Tensor] = []
    for some in _batches(group.writers):
        cores += writer_cores([_double(writer_map(weights, w, norms)) for w in some])
    if group.centred:
        cores = [centre(core) for core in cores]
    cores = [controlled(core, control, seed, centred=group.centred) for core in cores]
    stacked = torch.cat(cores)
    owner = torch.repeat_interleave(torch.arange(len(cores)), torch.tensor([len(core) for core in cores]))
    x = torch.zeros(len(cores), len(group.readers), dtype=torch.float64)
    reading: list[Tensor] = []
    for some in _batches(group.readers):
        maps = [reader_map(weights, r, norms, behind=group.behind, offsets=offsets) for r in some]
        reading += reader_cores([_double(matrix) for matrix in maps])
    for column, core in enumerate(reading):
        x[:, column].index_add_(0, owner, (stacked @ core).square().sum(1))
    d = d_model - 1 if group.centred else d_model
    chance = null(_stack(gram_eigenvalues(cores)), _stack(gram_eigenvalues([core.mT for core in reading])), d)
    x = torch.where(x < ROUNDING * chance.norms, 0.0, x)
    return {
        "score": (x / chance.norms).sqrt(),
        "chance": chance.chance(),
        "z": chance.z(x),
        "p": chance.p(x),
        "ceiling": chance.ceiling(),
        "alignment": chance.alignment(x),
    }


def _batches(sites: list[_Site]) -> Iterator[list[_Site]]:
    """A few sites at a time: their matrices are widened together, and only their small cores are kept."""
    for start in range(0, len(sites), BATCH):
        yield sites[start : start + BATCH]


def _double(matrix: Factored | Tensor) -> Factored | Tensor:
    return Factored(matrix.left.double(), matrix.right.double()) if isinstance(matrix, Factored) else matrix.double()


def _stack(spectra: list[Tensor]) -> Float[Tensor, "site most"]:
    return torch.nn.utils.rnn.pad_sequence(spectra, batch_first=True)
