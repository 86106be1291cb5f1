"""Heads and MLPs with a separate input for each reader: the building blocks of a circuit run.

    x = N(u),  q = x W_Q + b_Q, …      u [… d_model]: the stream that one reader, or several alike, load

Norms use the scales of this run (``free``) or those of a recorded run (``frozen``).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor

from loadstore.axes import Mixed, Stream
from loadstore.execution.attention import project
from loadstore.execution.record import Record
from loadstore.model.architecture import Architecture
from loadstore.model.layers import Layer, MlpLayer
from loadstore.model.mlp import mlp_sum
from loadstore.model.norms import normalise, of_heads
from loadstore.model.opened import is_opened, opened_store
from loadstore.model.points import ScaleName, ScaleOf
from loadstore.model.weights import Weights
from loadstore.model.wiring import mlp_sites
from loadstore.sites import Reader, Side
from loadstore.threads import threads_if_slow

Scales: TypeAlias = Callable[[ScaleName, int], Tensor | None]
Norms: TypeAlias = Literal["free", "frozen"]


def free(which: ScaleName, layer: int) -> None:
    """Compute the scale in this run."""


def frozen(record: Record, first: int = 0) -> Scales:
    """Take every scale from a recorded run, starting at token ``first``."""

    def scale(which: ScaleName, layer: int) -> Tensor | None:
        recorded_scale = record.scale(ScaleOf(which, layer))
        return None if recorded_scale is None else recorded_scale[:, first:]

    return scale


def matrices(layer: Layer, side: Side) -> tuple[Tensor, Tensor | None]:
    """Matrix and bias of one side, for the heads with parameters of their own (query or key-value heads).

    Where a side loads through a latent, the last columns give it: each reader has the latent of its own input.
    """
    matrix, bias = {"Q": (layer.W_Q, layer.b_Q), "K": (layer.W_K, layer.b_K), "V": (layer.W_V, layer.b_V)}[side]
    if (latent := layer.latent(side)) is None:
        return matrix, bias
    count, width = len(matrix), matrix.shape[2]
    if bias is not None or latent.b is not None:
        own = matrix.new_zeros(count, width) if bias is None else bias
        more = matrix.new_zeros(latent.rank) if latent.b is None else latent.b
        bias = torch.cat([own, more.expand(count, -1)], 1)
    return torch.cat([matrix, latent.W.expand(count, -1, -1)], 2), bias


def owners(shape: Architecture, side: Side) -> list[int]:
    """For each query head, its index in ``matrices``."""
    return [head if side == "Q" else shape.kv(head) for head in range(shape.n_heads)]


def ready(
    shape: Architecture,
    index: int,
    layer: Layer,
    side: Side,
    values: Float[Tensor, "batch token head _"],
    offset: int,
    frozen: Tensor | None = None,
    heads: Sequence[int] | None = None,
) -> Float[Tensor, "batch token head inside"]:
    """Queries or keys of some heads after their norm or the division by their latent, and the rotary turn.

    Values only have the division.

    ``frozen``: 1/σ of these heads. ``heads``: which they are, None for all. A norm across heads needs all.
    """
    own = owners(shape, side)
    which = own if heads is None else [own[head] for head in heads]
    norm = of_heads({"Q": layer.q_norm, "K": layer.k_norm, "V": None}[side], which)
    if norm is not None:
        values = normalise(values, norm, shape.eps, frozen)[0]
    if (latent := layer.latent(side)) is not None:
        values, c = values.split([values.shape[-1] - latent.rank, latent.rank], -1)
        values = values * (latent.scale(c, values.shape[-1]) if frozen is None else frozen)
    rotary = shape.rotary_of(index)
    return values if rotary is None or side == "V" else rotary.at(values, offset)


@dataclass(frozen=True, eq=False)
class HeadReading:
    """One side of a layer's heads; computes queries, keys or values from loaded streams.

    Args:
        shape: The architecture.
        index: The layer.
        layer: Its matrices.
        side: Q, K or V.
        offset: The position of the first token.
        scale: 1/σ of the norm before the heads, if frozen.
        inner_scale: 1/σ of the heads' own norm, or of their latent by columns, if frozen.
        beside: Positions that are added after the norm.
    """

    shape: Architecture
    index: int
    layer: Layer
    side: Side
    offset: int
    scale: Tensor | None
    inner_scale: Tensor | None
    beside: Float[Tensor, "token d_model"] | None

    @property
    def across_heads(self) -> bool:
        """Whether the heads' own norm has one scale for all of them."""
        norm = {"Q": self.layer.q_norm, "K": self.layer.k_norm, "V": None}[self.side]
        return norm is not None and norm.across_heads

    def of(
        self, u: Float[Tensor, "reader batch token d_model"], heads: Sequence[int]
    ) -> Float[Tensor, "batch token head inside"]:
        """The queries, keys or values of some heads that load one stream alike, or a stream each."""
        return self.ready(self.projected(u, heads), heads)

    def projected(
        self, u: Float[Tensor, "reader batch token d_model"], heads: Sequence[int]
    ) -> Float[Tensor, "batch token head _"]:
        """x W + b of some heads, with their latent where there is one."""
        x = normalise(u, self.layer.norm, self.shape.eps, self.scale)[0]
        if self.beside is not None:
            x = x + self.beside
        matrix, bias = matrices(self.layer, self.side)
        own = owners(self.shape, self.side)
        which = [own[head] for head in heads]
        with threads_if_slow(x[0].numel() * len(which) * matrix.shape[2]):
            if len(x) == 1:
                products = project(x[0], matrix[which], None)
            else:
                products = torch.einsum("nbtd,nde->btne", x, matrix[which])
        if bias is not None:
            products = products + bias[which]
        return products

    def ready(
        self, products: Float[Tensor, "batch token head _"], heads: Sequence[int]
    ) -> Float[Tensor, "batch token head inside"]:
        """The same after the heads' own norm and the rotary turn."""
        frozen = None if self.inner_scale is None else self.inner_scale[:, :, list(heads)]
        return ready(self.shape, self.index, self.layer, self.side, products, self.offset, frozen, heads)


def mixed_scale(shape: Architecture, layer: Layer, z: Mixed, frozen: Tensor | None) -> Float[Tensor, "batch token 1"]:
    """1/σ of the norm after the heads, computed from the stores of all heads together."""
    stored = z.flatten(2) @ layer.W_O.flatten(0, 1)
    return normalise(stored, layer.after_heads, shape.eps, frozen)[1]


def mlp_stores(
    weights: Weights, index: int, mlp: MlpLayer, u: Sequence[Stream], scales: Scales
) -> Float[Tensor, "batch token writer d_model"]:
    """The stores of an MLP's sites in the order of the wiring; ``u``: what each of its readers loads, likewise."""
    shape, readers = weights.architecture, mlp_sites(weights, index)[1]

    def loaded(reader: Reader) -> Stream:
        return normalise(u[readers.index(reader)], mlp.norm, shape.eps, scales("mlp", index))[0]

    with threads_if_slow(u[0].numel() * shape.used_width):
        if is_opened(weights, index):
            return opened_store(shape, index, mlp, loaded).stored
        stored = mlp_sum(loaded(readers[0]), mlp, shape)
    return normalise(stored, mlp.after, shape.eps, scales("after_mlp", index))[0][:, :, None]


def at_ends(stream: Float[Tensor, "batch token d_model"], ends: Tensor) -> Float[Tensor, "batch d_model"]:
    """The stream at the last token of each prompt."""
    return stream[torch.arange(len(stream), device=stream.device), ends]


def first_difference(difference: Stream) -> int:
    """The first token at which any prompt of a batch differs; the last token if none does."""
    differs = (difference != 0).any(-1).any(0)
    return int(differs.int().argmax()) if bool(differs.any()) else len(differs) - 1
