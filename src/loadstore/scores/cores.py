"""Code that scores of wires and of channels share: small cores of readers, and offsets within reach."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

import torch
from jaxtyping import Float
from torch import Tensor

from loadstore.linear.factored import Factored
from loadstore.linear.subspace import reader_cores
from loadstore.model.ports import Norms, reading
from loadstore.model.weights import Weights
from loadstore.sites import Reader, Writer

_Site = TypeVar("_Site", Writer, Reader)
BATCH = 32


def centre(rows: Float[Tensor, "source d_model"]) -> Float[Tensor, "source d_model"]:
    """A (I − 11ᵀ/d): every row without its mean."""
    return rows - rows.mean(-1, keepdim=True)


def meets(weights: Weights, reader: Reader, offsets: range | None) -> bool:
    """Whether a layer lets a query attend to a key at one of these offsets; always true except for Q and K."""
    return reader.side not in ("Q", "K") or offsets is None or offsets.start < weights.architecture.reach(reader.layer)


def reading_cores(
    weights: Weights, readers: Sequence[Reader], norms: Norms, *, behind: bool, offsets: range | None
) -> Iterator[Float[Tensor, "d_model core"]]:
    """For each reader, D with D Dᵀ = B Bᵀ in double precision, computed in batches."""
    for batch in batches(readers):
        yield from reader_cores(
            [double(reading(weights, r).map(norms, bypassing=behind, offsets=offsets)) for r in batch]
        )


def batches(sites: Sequence[_Site]) -> Iterator[Sequence[_Site]]:
    """Batches of sites: the matrices of a batch are widened together; only their small cores are kept."""
    for start in range(0, len(sites), BATCH):
        yield sites[start : start + BATCH]


def double(matrix: Factored | Tensor) -> Factored | Tensor:
    """The same map in double precision."""
    return Factored(matrix.left.double(), matrix.right.double()) if isinstance(matrix, Factored) else matrix.double()


def stacked(spectra: list[Tensor]) -> Float[Tensor, "site most"]:
    """Spectra of different lengths as one matrix, padded with zeros."""
    return torch.nn.utils.rnn.pad_sequence(spectra, batch_first=True)
