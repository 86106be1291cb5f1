"""The readers at one point of a model as matrices: a reader's b is B M Bᵀ.

B is its matrix with the norm folded in. For Q and K, M is the second moment of the opposite side on a corpus. For V, an
MLP and the unembedding it is the identity, and b depends only on weights (there B is a core: B Bᵀ = b).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor

from loadstore.errors import Undefined
from loadstore.linear.subspace import reader_cores
from loadstore.model.points import Point
from loadstore.model.ports import Reading, reading
from loadstore.model.weights import Weights
from loadstore.sites import Reader
from loadstore.wire_traffic.moments import Moments

CORES = 8  # readers whose cores are computed together


@dataclass(frozen=True, eq=False)
class Loads:
    """Readers of one kind at one point; ``of`` is the index of each reader's projection in B.

    ``behind`` is B for shortformer positions, which bypass the norm. ``met`` holds every group's part of M; the parts
    sum to a mean over all queries. None means the identity. ``first`` is the same for keys at the first position.
    ``scale``: what the load of each token is multiplied by, where values load through a latent.
    """

    point: Point
    readers: tuple[Reader, ...]
    B: Float[Tensor, "load d_model inside"]
    of: Int[Tensor, " reader"]
    behind: Tensor | None = None
    met: Float[Tensor, "group reader inside inside"] | None = None
    first: Float[Tensor, "group reader inside inside"] | None = None
    scale: Float[Tensor, " token"] | None = None

    @cached_property
    def side_by_side(self) -> Float[Tensor, "d_model columns"]:
        """B of all loads as one matrix, whose product with a writer is one large one."""
        return self.B.transpose(0, 1).flatten(1).contiguous()

    def through(self, rows: Float[Tensor, "*any d_model"]) -> Float[Tensor, "*any load inside"]:
        """Rows of the stream times the matrix of every load."""
        return (rows @ self.side_by_side).unflatten(-1, self.B.shape[::2])

    def read(
        self, stream: Float[Tensor, "token d_model"], behind: Float[Tensor, "token d_model"] | None
    ) -> Float[Tensor, "token load inside"]:
        """What the readers load of a stream, and of what is added behind its norm."""
        if behind is None or self.behind is None:
            return self.through(stream)
        return self.through(stream) + torch.einsum("td,lde->tle", behind, self.behind)

    @cached_property
    def _alone(self) -> bool:
        return self.of.tolist() == list(range(len(self.B)))

    def each(self, values: Tensor, axis: int) -> Tensor:
        """Values by load as values by reader; not copied where every reader has a projection of its own."""
        return values if self._alone else values.index_select(axis, self.of.to(values.device))

    def loaded(self, rows: Tensor) -> Tensor:
        """Rows of the stream, by token first, with the scale of the readers' latent."""
        return rows if self.scale is None else (rows.movedim(0, -1) * self.scale).movedim(-1, 0)


def points_of(weights: Weights, readers: Sequence[Reader]) -> dict[Point, list[Reader]]:
    """Readers grouped by the point at which they read, in the given order."""
    points: dict[Point, list[Reader]] = {}
    for reader in readers:
        points.setdefault(reading(weights, reader).point, []).append(reader)
    return points


def loads_of(moments: Moments, point: Point, readers: Sequence[Reader]) -> list[Loads]:
    """The readers at one point, grouped by kind."""
    kinds: dict[str, list[Reader]] = {}
    for reader in readers:
        kinds.setdefault(reader.side, []).append(reader)
    return [
        _matched(moments, point, members) if side in ("Q", "K") else _flat(moments, point, members)
        for side, members in kinds.items()
    ]


def _flat(moments: Moments, point: Point, readers: list[Reader]) -> Loads:
    weights, cores = moments.weights, list[Tensor]()
    for start in range(0, len(readers), CORES):
        maps = [reading(weights, reader).map() for reader in readers[start : start + CORES]]
        cores += [core.to(weights.dtype) for core in reader_cores(maps)]
    typical = reading(weights, readers[0]).typical  # the same for all heads: that of their one latent
    scale = None if typical is None else moments.value_scales[point.layer] / typical[-1]
    return Loads(point, tuple(readers), torch.stack(cores), torch.arange(len(readers)), scale=scale)


def _matched(moments: Moments, point: Point, readers: list[Reader]) -> Loads:
    """Q or K of some heads of one layer; heads that share keys share their projection."""
    weights, shape = moments.weights, moments.weights.architecture
    side: Literal["Q", "K"] = "Q" if readers[0].side == "Q" else "K"
    if point.layer not in moments.layers:
        raise Undefined(
            f"the input of {side} in layer {point.layer} was not measured: moments(…, readers=…) left it out; compute "
            f"them again with readers that match {readers[0]}"
        )
    shared = [reader.index if side == "Q" else shape.kv(reader.index) for reader in readers]
    ports = {own: reading(weights, reader) for own, reader in zip(shared, readers, strict=True)}
    owns = list(ports)
    tokens, row = len(moments.tokens), sorted(moments.layers).index(point.layer)
    heads = [reader.index for reader in readers]
    return Loads(
        point,
        tuple(readers),
        torch.stack([_alone(port) for port in ports.values()]),
        torch.tensor([owns.index(own) for own in shared]),
        torch.stack([port.folded(bypassing=True) for port in ports.values()]) if shape.positions_bypass_norm else None,
        moments.met[side][row][:, heads] / tokens,
        moments.met["K first"][row][:, heads] / tokens if side == "K" else None,
    )


def _alone(port: Reading) -> Float[Tensor, "d_model inside"]:
    """N W without the typical size of a latent: the sizes of a corpus are in M."""
    typical = port.typical
    return port.folded() if typical is None else port.folded() / typical
