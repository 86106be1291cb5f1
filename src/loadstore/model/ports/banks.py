"""Writers that a pass records together: the heads of one layer in one tensor, every other writer alone.

stores = inner · out      inner [… writer inner]; out [writer inner d_model], or None if a pass records stores
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

import torch
from jaxtyping import Float
from torch import Tensor

from loadstore.model.ports.heads import HeadWriting, heads_out
from loadstore.model.ports.table import writing
from loadstore.model.weights import Weights
from loadstore.sites import Writer


@dataclass(frozen=True, eq=False)
class Bank:
    """Several heads of one layer with the maps from z to their stores, or one other writer."""

    writers: tuple[Writer, ...]
    out: Float[Tensor, "writer inner d_model"] | None
    bypasses_norm: bool = False
    constant: bool = False

    def sent(self, inner: Float[Tensor, "*any writer inner"]) -> Float[Tensor, "*any writer d_model"]:
        """The store of each writer, computed from the recorded values."""
        return inner if self.out is None else torch.einsum("...we,wed->...wd", inner, self.out)

    def back(self, directions: Float[Tensor, "*any d_model"]) -> Float[Tensor, "*any writer inner"]:
        """Map directions of the stream to the recorded values: the adjoint of ``sent``."""
        if self.out is None:
            return directions[..., None, :]
        return (directions @ self.out.flatten(0, 1).mT).unflatten(-1, self.out.shape[:2])

    def through(
        self, inner: Float[Tensor, "*any writer inner"], matrix: Float[Tensor, "d_model inside"]
    ) -> Float[Tensor, "*any writer inside"]:
        """The store of each writer times a matrix; for heads, out · matrix is formed first because it is small."""
        return inner @ matrix if self.out is None else torch.einsum("...we,wei->...wi", inner, self.out @ matrix)


def banks(weights: Weights, writers: Iterable[Writer]) -> Iterator[Bank]:
    """Group writers into banks. The given order is kept and must be depth order."""
    for (layer, together), grouped in groupby(writers, lambda writer: _bank(weights, writer)):
        members = tuple(grouped)
        if together:
            out, index = heads_out(weights, layer), [writer.index for writer in members]
            yield Bank(members, out if len(index) == len(out) else out[index])
            continue
        for writer in members:
            port = writing(weights, writer)
            yield Bank((writer,), None, port.bypasses_norm, port.constant is not None)


def _bank(weights: Weights, writer: Writer) -> tuple[int, bool]:
    return writer.layer, isinstance(writing(weights, writer), HeadWriting)
