"""The matrices of one layer, its norms and its MLP, in one canonical naming."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from functools import reduce
from typing import TypeVar

from jaxtyping import Float
from torch import Tensor

from loadstore.errors import NotThisModel
from loadstore.model.latent import Latent
from loadstore.sites import Side


@dataclass(frozen=True)
class Norm:
    """Gain γ and bias β of a norm; either may be absent. A LayerNorm centres first, an RMSNorm does not.

    A norm of queries or keys may have a gain for each head. ``across_heads``: its scale is that of all heads together.
    """

    gain: Float[Tensor, "*head width"] | None = None
    bias: Float[Tensor, " width"] | None = None
    centres: bool = True
    across_heads: bool = False


def _only_scales(norm: Norm | None) -> None:
    """Refuse a norm after a block that is not a gain and one scale a token, which writers could not share."""
    if norm is not None and (norm.centres or norm.bias is not None):
        raise NotThisModel("a norm after a block is supported where it is an RMSNorm without a bias")


def _of_heads(norm: Norm | None) -> None:
    """Refuse a norm of queries or keys that is not linear in each head's own part once its scale is known."""
    if norm is not None and (norm.bias is not None or (norm.centres and norm.across_heads)):
        raise NotThisModel(
            "a norm of queries or keys is supported without a bias, and across heads where it is an RMSNorm"
        )


def _times(norm: Norm, scale: float, like: Tensor) -> Norm:
    return replace(norm, gain=like.new_full((1,), scale) if norm.gain is None else norm.gain * scale)


@dataclass(frozen=True)
class MlpLayer:
    """An MLP: act(x W_in + b_in) W_out + b_out, or, with a gate, (act(x W_gate + b_gate) · (x W_in + b_in)) W_out.

    ``inner``: a LayerNorm before W_out, as SoLU models have. ``after``: an RMSNorm of all that the MLP stores.
    ``experts``: parts that only some tokens use, beside the units here, which all use. Then these have no biases.
    """

    W_in: Float[Tensor, "d_model width"]
    W_out: Float[Tensor, "width d_model"]
    W_gate: Float[Tensor, "d_model width"] | None = None
    b_in: Float[Tensor, " width"] | None = None
    b_gate: Float[Tensor, " width"] | None = None
    b_out: Float[Tensor, " d_model"] | None = None
    norm: Norm | None = None
    inner: Norm | None = None
    after: Norm | None = None
    experts: "Experts | None" = None

    def __post_init__(self) -> None:
        _only_scales(self.after)
        biases = [self.b_in, self.b_gate, self.b_out, self.inner, None if self.norm is None else self.norm.bias]
        if self.experts is not None and any(part is not None for part in biases):
            raise NotThisModel("experts beside biases, or behind a norm with a bias, are not supported")

    @property
    def parts(self) -> "list[MlpLayer]":
        """The experts in their order and the units that every token uses; without experts, the MLP itself."""
        if self.experts is None:
            return [self]
        return [*self.experts, *([self] if self.W_in.shape[1] else [])]

    def storing(self, scale: float) -> "MlpLayer":
        """The MLP that stores ``scale`` times as much."""
        if self.after is not None:
            return replace(self, after=_times(self.after, scale, self.W_out))
        b_out = None if self.b_out is None else self.b_out * scale
        experts = None if self.experts is None else self.experts.each(lambda expert: expert.storing(scale))
        return replace(self, W_out=self.W_out * scale, b_out=b_out, experts=experts)


@dataclass(frozen=True)
class Experts:
    """Parts of an MLP, and the router by whose scores each token uses some of them.

    ``changes`` are applied to an expert when it is asked for, so that no expert is read that no token uses.
    ``W_shared``: a gate, its sigmoid multiplies what the units outside the experts store. ``b_router`` is added to
    scores; ``b_choice`` is added to shares where experts are chosen, and not to their weights.
    """

    W_router: Float[Tensor, "d_model expert"]
    stored: tuple[MlpLayer, ...]
    W_shared: Float[Tensor, "d_model 1"] | None = None
    changes: tuple[Callable[[MlpLayer], MlpLayer], ...] = ()
    b_router: Float[Tensor, " expert"] | None = None
    b_choice: Float[Tensor, " expert"] | None = None

    def __len__(self) -> int:
        return len(self.stored)

    def __getitem__(self, index: int) -> MlpLayer:
        return reduce(lambda expert, change: change(expert), self.changes, self.stored[index])

    def __iter__(self) -> Iterator[MlpLayer]:
        return (self[index] for index in range(len(self)))

    @property
    def routers(self) -> tuple[Tensor, ...]:
        """W_router and, where there is one, W_shared."""
        return (self.W_router,) if self.W_shared is None else (self.W_router, self.W_shared)

    def each(
        self, change: Callable[[MlpLayer], MlpLayer], routers: Callable[[Tensor], Tensor] | None = None
    ) -> "Experts":
        """The experts with a change of each, made when it is asked for; ``routers``: one of W_router and W_shared."""
        W_router, *rest = self.routers if routers is None else map(routers, self.routers)
        return replace(self, W_router=W_router, W_shared=rest[0] if rest else None, changes=(*self.changes, change))

    def mapped(self, change: Callable[[Tensor], Tensor]) -> "Experts":
        """The experts with a change of every tensor."""
        biases = {
            name: None if bias is None else change(bias)
            for name, bias in (("b_router", self.b_router), ("b_choice", self.b_choice))
        }
        return replace(self.each(lambda expert: map_tensors(expert, change), change), **biases)


@dataclass(frozen=True)
class Layer:
    """One layer: attention and, where there is one, an MLP. ``W_QK`` and ``W_OV`` are never formed here.

    Keys and values have one matrix per key/value head (``kv``), which several query heads may share. ``q_norm``,
    ``k_norm``: norms of queries and keys before they turn, without a bias. ``after_heads``: an RMSNorm of the sum of
    what the heads store, which has no b_O then. ``sinks``: a score of each head that takes part in every row of its
    pattern and has no value. ``q_latent``, ``kv_latent``: a latent through which queries, or keys and values, load; its
    1/σ multiplies what W_Q, or W_K and W_V, give. Raises NotThisModel for any other.
    """

    W_Q: Float[Tensor, "head d_model d_head"]
    W_K: Float[Tensor, "kv d_model d_head"]
    W_V: Float[Tensor, "kv d_model d_value"]
    W_O: Float[Tensor, "head d_value d_model"]
    b_Q: Float[Tensor, "head d_head"] | None = None
    b_K: Float[Tensor, "kv d_head"] | None = None
    b_V: Float[Tensor, "kv d_value"] | None = None
    b_O: Float[Tensor, " d_model"] | None = None
    norm: Norm | None = None
    q_norm: Norm | None = None
    k_norm: Norm | None = None
    mlp: MlpLayer | None = None
    after_heads: Norm | None = None
    sinks: Float[Tensor, " head"] | None = None
    q_latent: Latent | None = None
    kv_latent: Latent | None = None

    def __post_init__(self) -> None:
        _of_heads(self.q_norm)
        _of_heads(self.k_norm)
        _only_scales(self.after_heads)
        if (self.q_latent and self.q_norm) or (self.kv_latent and self.k_norm):
            raise NotThisModel("a norm of queries or keys beside a latent is not supported")
        if self.after_heads is not None and self.b_O is not None:
            raise NotThisModel("a bias b_O before a norm after the heads is not supported: its store would vary")

    @property
    def across_heads(self) -> bool:
        """Whether a norm of queries or keys takes one scale from all heads."""
        return any(norm is not None and norm.across_heads for norm in (self.q_norm, self.k_norm))

    def latent(self, side: Side) -> Latent | None:
        """The latent through which a side of the heads loads; values have no direct columns."""
        if side == "Q":
            return self.q_latent
        return self.kv_latent if side == "K" or self.kv_latent is None else replace(self.kv_latent, direct=0)

    @property
    def heads_share_scale(self) -> bool:
        """Whether a scale of all heads together makes what one of them loads change what each of them stores."""
        return self.across_heads or self.after_heads is not None

    def storing(self, scale: float) -> "Layer":
        """The layer whose heads and MLP store ``scale`` times as much, by matrices, or by gains of norms after them."""
        if scale == 1:
            return self
        mlp = None if self.mlp is None else self.mlp.storing(scale)
        if self.after_heads is not None:
            return replace(self, after_heads=_times(self.after_heads, scale, self.W_O), mlp=mlp)
        return replace(self, W_O=self.W_O * scale, b_O=None if self.b_O is None else self.b_O * scale, mlp=mlp)


_Part = TypeVar("_Part", bound=Layer | Norm | MlpLayer | Latent)


def map_tensors(value: _Part, change: Callable[[Tensor], Tensor]) -> _Part:
    """Apply ``change`` to every tensor of a part of a model."""
    changed: dict[str, Tensor | Norm | MlpLayer | Experts | Latent] = {}
    for each in fields(value):
        part = getattr(value, each.name)
        if isinstance(part, Tensor):
            changed[each.name] = change(part)
        elif isinstance(part, Norm | MlpLayer | Latent):
            changed[each.name] = map_tensors(part, change)
        elif isinstance(part, Experts):
            changed[each.name] = part.mapped(change)
    return replace(value, **changed)
