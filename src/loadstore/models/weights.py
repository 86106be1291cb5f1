"""What a model is: its matrices, in one canonical naming, as an immutable value.

Row vectors, ``x @ W``. Loading never changes weights; exact rewrites are functions that return new ones.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from typing import TypeVar

import torch
from jaxtyping import Float
from torch import Tensor

from loadstore.models.architecture import Architecture
from loadstore.models.tokens import Tokens


@dataclass(frozen=True)
class Norm:
    """Gain γ and bias β of a norm; either may be absent. A LayerNorm centres first, an RMSNorm does not."""

    gain: Float[Tensor, " d_model"] | None = None
    bias: Float[Tensor, " d_model"] | None = None
    centres: bool = True


@dataclass(frozen=True)
class Layer:
    """One attention layer. ``W_QK = W_Q W_Kᵀ`` and ``W_OV = W_V W_O`` are never formed here."""

    W_Q: Float[Tensor, "head d_model d_head"]
    W_K: Float[Tensor, "head d_model d_head"]
    W_V: Float[Tensor, "head d_model d_head"]
    W_O: Float[Tensor, "head d_head d_model"]
    b_Q: Float[Tensor, "head d_head"] | None = None
    b_K: Float[Tensor, "head d_head"] | None = None
    b_V: Float[Tensor, "head d_head"] | None = None
    b_O: Float[Tensor, " d_model"] | None = None
    norm: Norm | None = None


_Part = TypeVar("_Part", Layer, Norm)


@dataclass(frozen=True)
class Weights:
    """All matrices of one model, its architecture, its name and (if it has one) its tokenizer."""

    architecture: Architecture
    W_E: Float[Tensor, "vocab d_model"]
    W_pos: Float[Tensor, "ctx d_model"] | None
    layers: tuple[Layer, ...]
    W_U: Float[Tensor, "d_model vocab"]
    b_U: Float[Tensor, " vocab"] | None = None
    final_norm: Norm | None = None
    name: str = "unnamed"
    tokens: Tokens | None = None

    @property
    def dtype(self) -> torch.dtype:
        """The number format that all matrices share."""
        return self.W_E.dtype

    def map(self, change: Callable[[Tensor], Tensor]) -> "Weights":
        """Apply ``change`` to every tensor and return the new Weights."""
        return replace(
            self,
            W_E=change(self.W_E),
            W_pos=None if self.W_pos is None else change(self.W_pos),
            W_U=change(self.W_U),
            b_U=None if self.b_U is None else change(self.b_U),
            layers=tuple(_map_fields(layer, change) for layer in self.layers),
            final_norm=None if self.final_norm is None else _map_fields(self.final_norm, change),
        )

    def double(self) -> "Weights":
        """Return the same weights in float64, where sums are checked to 1e-10."""
        return self.map(lambda tensor: tensor.double())

    def named(self) -> Iterator[tuple[str, Tensor]]:
        """Every tensor with its name in loadstore's own file layout (``layers.0.W_Q``)."""
        yield from _named("", self)
        for index, layer in enumerate(self.layers):
            yield from _named(f"layers.{index}.", layer)
            if layer.norm is not None:
                yield from _named(f"layers.{index}.norm.", layer.norm)
        if self.final_norm is not None:
            yield from _named("final_norm.", self.final_norm)


def _map_fields(value: _Part, change: Callable[[Tensor], Tensor]) -> _Part:
    changed: dict[str, Tensor | Norm] = {}
    for field in fields(value):
        part = getattr(value, field.name)
        if isinstance(part, Tensor):
            changed[field.name] = change(part)
        elif isinstance(part, Norm):
            changed[field.name] = _map_fields(part, change)
    return replace(value, **changed)


def _named(prefix: str, value: Weights | Layer | Norm) -> Iterator[tuple[str, Tensor]]:
    for field in fields(value):
        part = getattr(value, field.name)
        if isinstance(part, Tensor):
            yield prefix + field.name, part
