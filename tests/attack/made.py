"""Random models of any size and any mechanism, in float64; what is unusual about one is done to it afterwards."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from loadstore.model.architecture import Architecture, NormKind, Positions
from loadstore.model.layers import Layer, MlpLayer, Norm
from loadstore.model.mlp_facts import Activation, Mlp
from loadstore.model.rotary import Pairs, Rotary
from loadstore.model.weights import Weights


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Sizes and mechanisms of a model.

    ``mlp``: its width, 0 for none. ``after``: norms behind blocks, other rotary positions in the layers with a window.
    """

    layers: int = 2
    heads: int = 2
    kv: int | None = None
    d: int = 10
    e: int = 5
    vocab: int = 19
    context: int = 9
    positions: Positions = "learned"
    pairs: Pairs = "halves"
    norm: NormKind = "layer"
    last: NormKind | None = None
    biases: bool = True
    mlp: int = 0
    gated: bool = False
    activation: Activation = "gelu"
    parallel: bool = False
    windows: tuple[int | None, ...] | None = None
    qk_norm: bool = False
    after: bool = False
    inner: bool = False
    tied: bool = False
    eps: float = 1e-5
    score_scale: float | None = None
    embedding_scale: float = 1.0
    size: float = 1.0


def made(plan: Plan, seed: int, name: str) -> Weights:
    """The random model of a plan."""
    draw = _Draw(torch.Generator().manual_seed(seed), plan)
    rotary = plan.positions == "rotary"
    half = max(2, plan.e - plan.e % 2 if seed % 2 else plan.e // 4 * 2)
    shape = Architecture(
        n_layers=plan.layers,
        n_heads=plan.heads,
        d_model=plan.d,
        d_head=plan.e,
        vocab=plan.vocab,
        context=plan.context,
        positions=plan.positions,
        norm=plan.norm,
        final_norm=plan.last,
        eps=plan.eps,
        rotary=Rotary.of(half, base=11.0, pairs=plan.pairs) if rotary else None,
        n_kv_heads=plan.kv,
        mlp=Mlp(plan.mlp, plan.gated, plan.activation, plan.parallel) if plan.mlp else None,
        windows=plan.windows,
        local_rotary=Rotary.of(2, base=5.0, pairs=plan.pairs) if rotary and plan.after and plan.windows else None,
        score_scale=plan.score_scale,
        embedding_scale=plan.embedding_scale,
    )
    W_E = draw(plan.vocab, plan.d) + 0.2
    return Weights(
        architecture=shape,
        W_E=W_E,
        W_pos=draw(plan.context, plan.d) if shape.has_pos else None,
        layers=tuple(draw.layer() for _ in range(plan.layers)),
        W_U=W_E.mT if plan.tied else draw(plan.d, plan.vocab),
        b_U=draw(plan.vocab) if plan.biases else None,
        final_norm=draw.norm(shape.last_norm, plan.d),
        name=name,
    )


@dataclass(frozen=True)
class _Draw:
    generator: torch.Generator
    plan: Plan

    def __call__(self, *shape: int) -> Tensor:
        return torch.randn(*shape, generator=self.generator, dtype=torch.float64) * self.plan.size

    def bias(self, *shape: int) -> Tensor | None:
        return self(*shape) * 0.4 if self.plan.biases else None

    def norm(self, kind: NormKind | Literal["after", "inner"], width: int) -> Norm | None:
        if kind == "none":
            return None
        gain = 1 + torch.randn(width, generator=self.generator, dtype=torch.float64) * 0.6
        centres = kind in ("layer", "inner")
        return Norm(gain, self.bias(width) if centres else None, centres=centres)

    def layer(self) -> Layer:
        plan, kv = self.plan, self.plan.kv or self.plan.heads
        return Layer(
            W_Q=self(plan.heads, plan.d, plan.e) * 0.4,
            W_K=self(kv, plan.d, plan.e) * 0.4,
            W_V=self(kv, plan.d, plan.e) * 0.4,
            W_O=self(plan.heads, plan.e, plan.d) * 0.4,
            b_Q=self.bias(plan.heads, plan.e),
            b_K=self.bias(kv, plan.e),
            b_V=self.bias(kv, plan.e),
            b_O=None if plan.after else self.bias(plan.d),
            norm=self.norm(plan.norm, plan.d),
            q_norm=self.norm("after", plan.e) if plan.qk_norm else None,
            k_norm=self.norm("after", plan.e) if plan.qk_norm else None,
            mlp=self._mlp() if plan.mlp else None,
            after_heads=self.norm("after", plan.d) if plan.after else None,
        )

    def _mlp(self) -> MlpLayer:
        plan = self.plan
        return MlpLayer(
            W_in=self(plan.d, plan.mlp) * 0.4,
            W_out=self(plan.mlp, plan.d) * 0.4,
            W_gate=self(plan.d, plan.mlp) * 0.4 if plan.gated else None,
            b_in=self.bias(plan.mlp),
            b_gate=self.bias(plan.mlp) if plan.gated else None,
            b_out=self.bias(plan.d),
            norm=self.norm(plan.norm, plan.d),
            inner=self.norm("inner", plan.mlp) if plan.inner else None,
            after=self.norm("after", plan.d) if plan.after else None,
        )
