"""Small random models of every kind, in float64, seeded: positions × norm × biases, and what modern models add."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import product
from typing import Any, Literal, NamedTuple

import torch
from depth import deep
from pairs import pairs
from torch import Tensor

from loadstore.model.architecture import NORMS, Architecture, NormKind, Positions
from loadstore.model.latent import Latent
from loadstore.model.layers import Experts, Layer, MlpLayer, Norm
from loadstore.model.mixture import Mixture
from loadstore.model.mlp_facts import Mlp
from loadstore.model.rotary import Rotary
from loadstore.model.weights import Weights


class Sizes(NamedTuple):
    """How large a tiny model is; ``n_heads`` None takes as many as its kind of keys needs."""

    d_model: int = 12
    d_head: int = 4
    vocab: int = 17
    context: int = 10
    width: int = 14  # of an MLP
    n_layers: int = 3
    n_heads: int | None = None

    def __str__(self) -> str:
        usual = Sizes()
        told = zip(("d", "e", "v", "c", "w", "l", "h"), self, usual, strict=True)
        return "-".join(f"{letter}{size}" for letter, size, other in told if size != other)


class Kind(NamedTuple):
    """What distinguishes one sort of model from another; attention only, all keys, keys a head unless it says more."""

    positions: Positions
    norm: NormKind
    biases: bool
    mlp: Literal["", "gelu", "gated", "parallel", "gated parallel"] = ""
    kv: int | None = None  # heads of keys and values: 1 for three heads, 2 for four
    qk_norm: bool = False
    window: bool = False  # in all layers but one, and shorter than the prompts
    across: bool = False  # a norm of queries and keys has a gain for each head and one scale for all
    after: bool = False  # norms after blocks; layers with a window turn otherwise, and scores and embedding are scaled
    still: bool = False  # layers from 2 on have no positions
    capped: bool = False  # soft caps of scores and logits
    scaled: bool = False  # what heads and MLPs store is multiplied
    latent: Literal["", "keys", "all"] = ""  # heads load keys and values, or queries too, through a latent
    sinks: bool = False  # every row of a head leaves a part to a learned score
    experts: Literal["", "alone", "shared", "grouped"] = ""  # of an MLP; shared: beside units that every token uses
    sizes: Sizes = Sizes()

    def __str__(self) -> str:
        more = [self.mlp, f"kv{self.kv}" if self.kv else "", "qknorm" * self.qk_norm, "window" * self.window]
        more += [name * getattr(self, name) for name in ("across", "after", "still", "capped", "scaled", "sinks")]
        more += [f"{name}-{value}" for name, value in (("experts", self.experts), ("latent", self.latent)) if value]
        names = [self.positions, self.norm, "biases" if self.biases else "plain", *more, str(self.sizes)]
        return "-".join(name.replace(" ", "-") for name in names if name)

    @property
    def n_heads(self) -> int:
        return self.sizes.n_heads or (4 if self.kv == 2 else 3)

    @property
    def mixture(self) -> Mixture | None:
        """Four experts, of which a token uses two; grouped: of one of two groups, and layer 1 has none."""
        if self.experts == "grouped":
            rest = {"judged_by": 2, "scale": 1.7, "without": (1,), "plain_width": 5}
            return Mixture(4, 2, 3, normalised=True, scheme="sigmoid", groups=2, **rest)
        return Mixture(4, 2, 3, normalised=self.experts == "alone") if self.experts else None

    @property
    def shared(self) -> int:
        """How many units of an MLP belong to no expert."""
        return {"": self.sizes.width, "alone": 0, "shared": 2, "grouped": 2}[self.experts]

    def facts(self, width: int) -> Mlp:
        """What kind of MLP there is; with grouped experts its units are clipped, and their activation is steeper."""
        steep: dict[str, Any] = {"slope": 1.7, "clip": 0.8} if self.experts == "grouped" else {}
        return Mlp(
            width, "gated" in self.mlp, "silu" if "gated" in self.mlp else "gelu", "parallel" in self.mlp, **steep
        )

    @property
    def rotary(self) -> Rotary | None:
        """Partial where there are biases, and both ways of pairing dimensions."""
        if self.positions != "rotary":
            return None
        pairs = "adjacent" if self.norm == "rms" else "halves"
        return Rotary.of(2 if self.biases or self.latent else 4, base=7.0, pairs=pairs)


MODERN = [
    Kind("learned", "layer", True, "gelu"),  # GPT-2
    Kind("rotary", "layer", True, "parallel"),  # GPT-NeoX, Phi
    Kind("rotary", "rms", False, "gated", kv=2),  # Llama
    Kind("rotary", "rms", False, "gated", kv=1, window=True),  # Mistral
    Kind("rotary", "rms", True, "gated", kv=2, window=True),  # Qwen 2
    Kind("rotary", "rms", False, "gated", kv=2, qk_norm=True),  # Qwen 3
    Kind("none", "none", True, "gated", kv=2),
    Kind("none", "layer", True, "gated parallel", kv=1, qk_norm=True, window=True),
    Kind("shortformer", "rms", True, "gelu", kv=2, qk_norm=True),
    Kind("learned", "rms", False, "parallel", window=True),
    Kind("rotary", "none", False, kv=1, qk_norm=True),
    Kind("rotary", "rms", False, "gated", kv=2, qk_norm=True, window=True, after=True),  # Gemma 3
    Kind("rotary", "none", False, "gated", kv=2, qk_norm=True, across=True, after=True, scaled=True),  # OLMo 2
    Kind("rotary", "rms", True, "gated", kv=1, still=True, scaled=True),  # Granite, SmolLM3
    Kind("rotary", "rms", False, "gated", kv=2, window=True, after=True, capped=True),  # Gemma 2
    Kind("alibi", "layer", True, "gelu"),  # BLOOM
    Kind("alibi", "rms", False, "parallel", kv=2, qk_norm=True, window=True),
    Kind("rotary", "rms", False, "gated", kv=2, experts="alone"),  # Mixtral
    Kind("rotary", "rms", False, "gated", kv=2, qk_norm=True, scaled=True, experts="shared"),  # Qwen 2 with experts
    Kind("rotary", "rms", True, "gated", kv=2, window=True, sinks=True),  # GPT-OSS
    Kind("rotary", "rms", False, "gated", latent="keys"),  # DeepSeek V2 Lite
    Kind("rotary", "rms", True, "gated", latent="all"),  # DeepSeek V2, V3
    Kind("rotary", "rms", False, "gated", kv=2, experts="grouped"),  # routing of DeepSeek V3, experts of GPT-OSS
]
KINDS = [  # every pair of positions, norm and biases, not every triple
    Kind("learned", "none", False),
    Kind("learned", "layer", False),
    Kind("learned", "layer", True),
    Kind("learned", "rms", True),
    Kind("shortformer", "none", False),
    Kind("shortformer", "layer", True),
    Kind("shortformer", "rms", False),
    Kind("rotary", "none", False),
    Kind("rotary", "layer", True),
    Kind("rotary", "rms", False),
    Kind("none", "none", True),
    Kind("none", "layer", False),
    Kind("none", "rms", True),
    *MODERN,
]
FEW = [  # every mechanism at least once: where a test asks whether a statement holds, not where two mechanisms meet
    Kind("learned", "none", False),
    Kind("learned", "layer", True),
    Kind("shortformer", "layer", True),
    Kind("rotary", "none", False),
    Kind("learned", "layer", True, "gelu"),
    Kind("rotary", "layer", True, "parallel"),
    Kind("rotary", "rms", False, "gated", kv=2),
    Kind("rotary", "rms", False, "gated", kv=1, window=True),
    Kind("none", "layer", True, "gated parallel", kv=1, qk_norm=True, window=True),
    Kind("shortformer", "rms", True, "gelu", kv=2, qk_norm=True),
    Kind("rotary", "rms", False, "gated", kv=2, qk_norm=True, window=True, after=True),
    Kind("rotary", "none", False, "gated", kv=2, qk_norm=True, across=True, after=True, scaled=True),
    Kind("rotary", "rms", True, "gated", kv=1, still=True, scaled=True),
    Kind("rotary", "rms", False, "gated", kv=2, window=True, after=True, capped=True),
    Kind("alibi", "rms", False, "parallel", kv=2, qk_norm=True, window=True),
    Kind("rotary", "rms", False, "gated", kv=2, qk_norm=True, scaled=True, experts="shared"),
    Kind("rotary", "rms", True, "gated", kv=2, window=True, sinks=True),
    Kind("rotary", "rms", True, "gated", latent="all"),
    Kind("rotary", "rms", False, "gated", kv=2, experts="grouped"),
]
HALF = deep(FEW, usual=FEW[::2])  # where several tests ask one function: together the halves have every mechanism
OTHER_HALF = deep(FEW, usual=FEW[1::2])
NORMED = [kind for kind in KINDS if kind.norm != "none"]
UNNORMED = [kind for kind in KINDS if kind.norm == "none"]
WITH_POS = [kind for kind in KINDS if kind.positions in ("learned", "shortformer")]
ROTARY = [kind for kind in KINDS if kind.positions == "rotary"]


UNUSUAL = [  # pairs of a kind and sizes that a file may have and the others do not
    Kind("learned", "layer", True, "gelu", sizes=Sizes(d_head=12, n_heads=1, n_layers=2)),  # GPT-2 with one head
    Kind("learned", "none", False, sizes=Sizes(d_model=6, d_head=8)),  # attention only, a head wider than the stream
    Kind("rotary", "rms", False, "gated", kv=2, window=True, sizes=Sizes(d_model=8, d_head=8, context=2)),
    Kind("rotary", "layer", True, "parallel", sizes=Sizes(d_model=5, d_head=6, width=3, vocab=2)),
    Kind("none", "none", True, "gated", kv=1, qk_norm=True, sizes=Sizes(d_head=13, context=1, n_layers=2)),
    Kind("shortformer", "rms", True, "gelu", sizes=Sizes(d_model=4, width=4, n_layers=1, context=2)),
    Kind("shortformer", "layer", False, sizes=Sizes(d_model=3, d_head=4, n_heads=1, vocab=5)),
    Kind("learned", "rms", False, "gelu", sizes=Sizes(d_head=1, width=1, n_heads=1, n_layers=1)),
    Kind("none", "layer", True, "gated parallel", sizes=Sizes(d_model=2, d_head=1, vocab=2, context=4)),
    Kind("rotary", "none", False, sizes=Sizes(vocab=1, n_layers=2)),
    Kind("learned", "layer", True, sizes=Sizes(vocab=1, context=1, n_layers=1, n_heads=1)),
    Kind("none", "rms", False, sizes=Sizes(d_model=1, d_head=1, n_heads=2, n_layers=2)),
    Kind("rotary", "rms", False, "gated", kv=1, window=True, after=True, sizes=Sizes(d_model=5, d_head=6, n_layers=2)),
]


def tiny(kind: Kind, seed: int = 0, *, n_layers: int | None = None, n_heads: int | None = None) -> Weights:
    """A random model, of d_model 12, d_head 4, vocabulary 17 and context 10 unless its kind says other sizes.

    Every part matters to its logits.
    """
    generator = torch.Generator().manual_seed(seed)
    d, e, vocab, context, *_ = kind.sizes
    width = kind.shared + (0 if kind.mixture is None else kind.mixture.count * kind.mixture.width)
    n_layers = kind.sizes.n_layers if n_layers is None else n_layers
    heads = kind.n_heads if n_heads is None else n_heads
    kv, value = kind.kv or heads, 3 if kind.latent else e

    def draw(*shape: int, size: float = 1.0) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64) * size

    def bias(*shape: int) -> Tensor | None:
        return draw(*shape, size=0.5) if kind.biases else None

    def norm() -> Norm | None:
        if kind.norm == "none":
            return None
        return Norm(1 + draw(d, size=0.5), bias(d) if kind.norm == "layer" else None, centres=kind.norm == "layer")

    def inner(count: int) -> Norm | None:
        if not kind.qk_norm:
            return None
        return Norm(1 + draw(*([count] * kind.across), e, size=0.5), centres=False, across_heads=kind.across)

    def latent(direct: int) -> Latent:
        return Latent(draw(d, 5), bias(5), direct, 1e-4)

    def after() -> Norm | None:
        return Norm(1 + draw(d, size=0.5), centres=False) if kind.after else None

    def units(count: int, *, biases: bool = kind.biases) -> MlpLayer:
        gated = "gated" in kind.mlp
        return MlpLayer(
            W_in=draw(d, count, size=0.3),
            W_out=draw(count, d, size=0.3),
            W_gate=draw(d, count, size=0.3) if gated else None,
            b_in=draw(count, size=0.5) if biases else None,
            b_gate=draw(count, size=0.5) if biases and gated else None,
            b_out=draw(d, size=0.5) if biases else None,
        )

    def experts() -> Experts | None:
        if kind.mixture is None:
            return None
        count, grouped = kind.mixture.count, kind.experts == "grouped"
        W_router, gate = draw(d, count), draw(d, 1) if kind.experts == "shared" else None
        stored = tuple(units(kind.mixture.width, biases=kind.biases or grouped) for _ in range(count))
        b_router, b_choice = (draw(count, size=0.5), draw(count, size=0.3)) if grouped else (None, None)
        return Experts(W_router, stored, gate, b_router=b_router, b_choice=b_choice)

    def mlp(layer: int) -> MlpLayer | None:
        if kind.mixture is not None and layer in kind.mixture.without:
            return replace(units(kind.mixture.plain_width or 0), norm=norm(), after=after())
        return replace(units(kind.shared), norm=norm(), after=after(), experts=experts()) if kind.mlp else None

    layers = tuple(
        Layer(
            W_Q=draw(heads, d, e, size=0.3),
            W_K=draw(kv, d, e, size=0.3),
            W_V=draw(kv, d, value, size=0.3),
            W_O=draw(heads, value, d, size=0.3),
            b_Q=bias(heads, e),
            b_K=bias(kv, e),
            b_V=bias(kv, value),
            b_O=None if kind.after else bias(d),
            norm=norm(),
            q_norm=inner(heads),
            k_norm=inner(kv),
            mlp=mlp(layer),
            after_heads=after(),
            sinks=draw(heads) if kind.sinks else None,
            q_latent=latent(0) if kind.latent == "all" else None,
            kv_latent=latent(2) if kind.latent else None,
        )
        for layer in range(n_layers)
    )
    shape = Architecture(
        *(n_layers, heads, d, e, vocab, context, kind.positions, kind.norm),
        rotary=kind.rotary,
        n_kv_heads=kind.kv,
        mlp=kind.facts(width) if kind.mlp else None,
        experts=kind.mixture,
        windows=tuple((3, None, 4)[layer % 3] for layer in range(n_layers)) if kind.window else None,
        local_rotary=Rotary.of(2, base=3.0) if kind.after and kind.window else None,
        score_scale=0.7 if kind.after else None,
        embedding_scale=1.5 if kind.after else 1.0,
        score_cap=1.2 if kind.capped else None,
        logit_cap=4.0 if kind.capped else None,
        unturned=tuple(range(2, n_layers)) if kind.still else (),
        residual_scale=0.6 if kind.scaled else 1.0,
        d_value=value if kind.latent else None,
        slopes=tuple(0.7 / 2**index for index in range(heads)) if kind.positions == "alibi" else None,
    )
    return Weights(
        architecture=shape,
        W_E=draw(vocab, d) + 0.3,  # a common offset, so that what a LayerNorm centres is not nothing
        W_pos=draw(context, d) if kind.positions in ("learned", "shortformer") else None,
        layers=layers,
        W_U=draw(d, vocab),
        b_U=bias(vocab),
        final_norm=norm(),
        name=f"tiny-{kind}",
    )


MIXED: list[tuple[Kind, NormKind]] = [  # a last norm of another kind than those of the layers
    (kind, last)
    for kind in KINDS
    for last in NORMS
    if kind.positions in ("learned", "rotary") and kind.biases and last != kind.norm and kind not in MODERN
]


def mixed(kind: Kind, last: NormKind) -> Weights:
    """Return the random model of a kind with a last norm of another kind."""
    model = tiny(kind)
    shape = replace(model.architecture, final_norm=last)
    return replace(model, architecture=shape, final_norm=tiny(kind._replace(norm=last)).final_norm)


def of_inputs(mlp: MlpLayer, change: Callable[[Tensor], Tensor], **more: Any) -> MlpLayer:
    """The MLP with a change of every matrix that reads, those of experts and routers too."""
    W_gate = None if mlp.W_gate is None else change(mlp.W_gate)
    experts = None if mlp.experts is None else mlp.experts.each(lambda expert: of_inputs(expert, change), change)
    return replace(mlp, W_in=change(mlp.W_in), W_gate=W_gate, experts=experts, **more)


def stored_rows(model: Weights) -> Tensor:
    """The rows of W_E as they are stored."""
    return model.W_E * model.architecture.embedding_scale


def after(model: Weights, layer: int) -> Tensor:
    """The gain of the norm after a layer's heads, ones without, and the multiplier of what they store."""
    norm = model.layers[layer].after_heads
    gain = torch.ones(model.architecture.d_model, dtype=torch.float64) if norm is None else norm.gain
    return gain * model.architecture.residual_scale


def of_head(norm: Norm | None, index: int) -> Norm | None:
    """A norm of queries or keys with the gain of one head."""
    if norm is None or norm.gain.dim() == 1:
        return norm
    return replace(norm, gain=norm.gain[index])


def sized(model: Weights, layer: int, side: str) -> Tensor | float:
    """What a latent's typical size multiplies the columns of a head by; 1 without a latent."""
    at = model.layers[layer]
    latent = at.q_latent if side == "Q" else at.kv_latent
    if latent is None:
        return 1.0
    assert at.norm is not None
    assert at.norm.gain is not None
    size = (((at.norm.gain[:, None] * latent.W) ** 2).sum() / latent.W.shape[1] + latent.eps) ** 0.5
    direct = latent.direct if side == "K" else 0
    width = {"Q": at.W_Q, "K": at.W_K, "V": at.W_V}[side].shape[2]
    return torch.tensor([1.0] * direct + [1 / float(size)] * (width - direct), dtype=torch.float64)


def uncapped(model: Weights, logits: Tensor) -> Tensor:
    """Logits before their soft cap."""
    cap = model.architecture.logit_cap
    return logits if cap is None else cap * torch.atanh(logits / cap)


def turning(rotary: Rotary | None, position: int, d_head: int = 4) -> Tensor:
    """R of one position as a dense matrix, q ↦ q R: [[cos, sin], [−sin, cos]] in every pair; identity without any."""
    R = torch.eye(d_head, dtype=torch.float64)
    for i, frequency in enumerate(rotary.frequencies if rotary is not None else ()):
        assert rotary is not None
        one, two = (2 * i, 2 * i + 1) if rotary.pairs == "adjacent" else (i, i + len(rotary.frequencies))
        cos, sin = math.cos(position * frequency), math.sin(position * frequency)
        R[one, one] = R[two, two] = cos
        R[one, two], R[two, one] = sin, -sin
    return R


def few_with(*others: Sequence[Any], of: Sequence[Kind] = FEW) -> list[tuple[Any, ...]]:
    """A few of kinds × others, in which every mechanism of a kind meets every value of another parameter."""
    return pairs(product(of, *others), lambda row: (*row[0][:-1], *row[1:]))


def some_tokens(model: Weights, batch: int = 2, length: int = 9, seed: int = 0) -> Tensor:
    """Random token ids [batch, token], no more than the context holds."""
    generator = torch.Generator().manual_seed(seed)
    length = min(length, model.architecture.context)
    return torch.randint(model.architecture.vocab, (batch, length), generator=generator)
