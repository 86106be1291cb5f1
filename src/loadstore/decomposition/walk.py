"""The walk of an address: the score by which it chose a key, as query writers × key writers.

    q_i · κ = Σ_a Σ_b q_i^a · κ^b      κ^b = Σ_j d_j k_j^b /√d_head,  d the weights of the contrast over the keys

Row sums give the Q shares of the address, column sums its K shares; what no writer stores, ALiBi's bias and a
sink's score, is in const × const.
Tests: tests/decomposition/test_walk.py.
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor

from loadstore.decomposition.address import Address, address
from loadstore.decomposition.contrast import About, direction_of
from loadstore.decomposition.decomposition import parts_at, turned
from loadstore.decomposition.deviations import deviations
from loadstore.decomposition.unstored import unstored
from loadstore.execution.positions import At
from loadstore.execution.trace import Trace
from loadstore.model.ports import reading
from loadstore.sites import CONST, Head, Reader
from loadstore.threads import threads_for

if TYPE_CHECKING:
    import xarray as xr


@dataclass(frozen=True, eq=False)
class Walk:
    """An address, and the contrast behind its Q and K shares by query_writer × key_writer (pre-softmax, nats).

    ``parts`` has the attributes ``recorded``, the contrast of the run, and ``remainder``, ``recorded`` minus the sum.
    """

    address: Address
    parts: "xr.DataArray"

    @property
    def share(self) -> "xr.DataArray":
        """The parts relative to the whole; NaN if the contrast vanishes."""
        recorded = self.parts.attrs["recorded"]
        return self.parts / (math.nan if {"Q", "K"} & self.address.undefined.keys() else recorded)

    def __repr__(self) -> str:
        return f"Walk of {self}"

    def __str__(self) -> str:
        if {"Q", "K"} & self.address.undefined.keys():
            return f"{self.address}\n{self.address.head}: {self.address.undefined['Q']}"
        values = self.parts.values
        i, j = divmod(int(abs(values).argmax()), values.shape[1])
        names = self.parts["query_writer"].values[i], self.parts["key_writer"].values[j]
        return (
            f"{self.address}\nthe strongest pair of {values.size:,}: {names[0]} on Q with {names[1]} on K, "
            f"{values[i, j]:+.2f} of {self.parts.attrs['recorded']:+.2f} nats; remainder "
            f"{self.parts.attrs['remainder']:.0e}"
        )


@threads_for(0)
def walk(trace: Trace, head: Head | str, at: At, *, about: About = "most") -> Walk:
    """The address of ``head`` at query token ``at``, and its contrast by pairs of writers.

    Args:
        trace: One prompt.
        head: The head.
        at: The query token, an index or a text.
        about: As in ``ls.address``.

    Returns:
        The address, and ``parts``, nats by query-side and key-side writer: dims query_writer key_writer.

    Raises:
        LoadstoreError: As for ``ls.address``.

    Example:
        >>> import loadstore as ls
        >>> trace = ls.run(ls.load("builtin"), "the cat sat on the mat. the dog sat")
        >>> walk = ls.parts.walk(trace, "L1.H4", at=10)
        >>> walk.parts.dims
        ('query_writer', 'key_writer')
    """
    import xarray as xr

    address_at = address(trace, head, at, about=about)
    sides = (
        Reader(address_at.head.layer, address_at.head.index, "Q"),
        Reader(address_at.head.layer, address_at.head.index, "K"),
    )
    first, record = address_at.first, trace.record.layers[address_at.head.layer]
    row = trace.pattern(address_at.head)[address_at.at].double()[first : address_at.at + 1]
    key, than = (None if key_index is None else key_index - first for key_index in (address_at.key, address_at.than))
    direction = direction_of(row, key, than, sunk=address_at.sink is not None)
    weights = direction * trace.weights.architecture.attention_scale
    queries = parts_at(trace, sides[0], address_at.at)
    keys = _contrasted(trace, sides[1], weights, first)
    values = torch.stack(list(queries.values())).double() @ torch.stack(list(keys.values())).mT
    q, k = (
        record.q[0, address_at.at, address_at.head.index].double(),
        record.k[0, first : address_at.at + 1, address_at.head.index].double(),
    )
    bias = unstored(trace.weights, address_at.head, address_at.at, first, direction)
    values[-1, -1] += bias  # const is last on both sides
    recorded = float(q @ (weights @ k)) + bias
    attrs = {"head": str(address_at.head), "at": address_at.at, "recorded": recorded}
    attrs |= {"remainder": recorded - float(values.sum()), "units": "nats"}
    coords = {"query_writer": list(queries), "key_writer": list(keys)}
    return Walk(address_at, xr.DataArray(values.cpu().numpy(), coords, ("query_writer", "key_writer"), attrs=attrs))


def _contrasted(
    trace: Trace, reader: Reader, weights: Float[Tensor, " key"], first: int
) -> dict[str, Float[Tensor, " d_head"]]:
    """κ^b of every writer and ``const``, keys counted from ``first``."""
    const = reading(trace.weights, reader).const
    nothing = const.new_zeros(trace.weights.architecture.d_model)
    allowed = slice(first, first + len(weights))
    parts = {str(w): part[0] for w, part in deviations(trace, reader, lambda _: nothing).items()}
    parts[CONST] = turned(trace, reader, const.expand(1, trace.tokens.shape[1], -1))[0]
    return {name: weights @ part[allowed].double() for name, part in parts.items()}
