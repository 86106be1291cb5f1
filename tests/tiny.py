"""Small random models of every kind: positions × norm × biases, in float64, seeded."""

import math
from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor

from loadstore.models.architecture import NORMS, Architecture, NormKind, Positions
from loadstore.models.rotary import Rotary
from loadstore.models.weights import Layer, Norm, Weights


class Kind(NamedTuple):
    """What distinguishes one sort of attention-only model from another."""

    positions: Positions
    norm: NormKind
    biases: bool

    def __str__(self) -> str:
        return f"{self.positions}-{self.norm}-{'biases' if self.biases else 'plain'}"


KINDS = [
    Kind(positions, norm, biases)
    for positions in ("learned", "shortformer", "rotary", "none")
    for norm in ("none", "layer", "rms")
    for biases in (False, True)
]
NORMED = [kind for kind in KINDS if kind.norm != "none"]
UNNORMED = [kind for kind in KINDS if kind.norm == "none"]
WITH_POS = [kind for kind in KINDS if kind.positions in ("learned", "shortformer")]

ROTARY = {  # partial where there are biases, and both ways of pairing dimensions
    kind: Rotary.of(2 if kind.biases else 4, base=7.0, pairs="adjacent" if kind.norm == "rms" else "halves")
    for kind in KINDS
    if kind.positions == "rotary"
}


def tiny(kind: Kind, seed: int = 0, *, n_layers: int = 3, n_heads: int = 3) -> Weights:
    """A random model with d_model 12, d_head 4, vocabulary 17 and context 10; every part matters to its logits."""
    generator = torch.Generator().manual_seed(seed)
    d, e, vocab, context = 12, 4, 17, 10

    def draw(*shape: int, size: float = 1.0) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64) * size

    def bias(*shape: int) -> Tensor | None:
        return draw(*shape, size=0.5) if kind.biases else None

    def norm() -> Norm | None:
        if kind.norm == "none":
            return None
        return Norm(1 + draw(d, size=0.5), bias(d) if kind.norm == "layer" else None, centres=kind.norm == "layer")

    layers = tuple(
        Layer(
            W_Q=draw(n_heads, d, e, size=0.3),
            W_K=draw(n_heads, d, e, size=0.3),
            W_V=draw(n_heads, d, e, size=0.3),
            W_O=draw(n_heads, e, d, size=0.3),
            b_Q=bias(n_heads, e),
            b_K=bias(n_heads, e),
            b_V=bias(n_heads, e),
            b_O=bias(d),
            norm=norm(),
        )
        for _ in range(n_layers)
    )
    return Weights(
        architecture=Architecture(
            n_layers, n_heads, d, e, vocab, context, kind.positions, kind.norm, rotary=ROTARY.get(kind)
        ),
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
    if kind.positions in ("learned", "rotary") and kind.biases and last != kind.norm
]


def mixed(kind: Kind, last: NormKind) -> Weights:
    """Return the random model of a kind with a last norm of another kind."""
    model = tiny(kind)
    shape = replace(model.architecture, final_norm=last)
    return replace(model, architecture=shape, final_norm=tiny(kind._replace(norm=last)).final_norm)


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


def some_tokens(model: Weights, batch: int = 2, length: int = 9, seed: int = 0) -> Tensor:
    """Random token ids [batch, token]."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(model.architecture.vocab, (batch, length), generator=generator)
