"""Adversarial models in memory: legal, odd, extreme or broken. A seed draws their numbers and some of their sizes."""

import random
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from attack.made import Plan, made
from attack.tokens import hostile_tokens, plain_tokens
from loadstore.model.layers import Layer, Norm
from loadstore.model.weights import Weights

Change = Callable[[Weights], Weights]


@dataclass(frozen=True)
class Animal:
    """One model: its plan, what is done to it, and whether its numbers are finite and a float64 pass can be exact."""

    name: str
    plan: Plan
    change: Change = lambda model: model
    sound: bool = True  # finite, and far from the edges of float64

    def born(self, seed: int) -> Weights:
        """The model of a seed."""
        model = self.change(made(self.plan, seed, self.name))
        tokens = hostile_tokens if "names" in self.name or seed % 3 == 0 else plain_tokens
        return replace(model, tokens=tokens(model.architecture.vocab))


def zoo(seed: int) -> list[Animal]:
    """All of them; the seed draws sizes, too."""
    dice = random.Random(seed)
    d, e, heads = dice.randrange(6, 14), dice.randrange(3, 8), dice.choice([2, 3, 4])
    gelu = Plan(d=d, e=e, heads=heads, mlp=dice.randrange(1, 20))
    llama = Plan(d=d, e=2 * e, heads=4, kv=2, positions="rotary", norm="rms", biases=False, mlp=9, gated=True)
    llama = replace(llama, activation="silu")
    bare = Plan(d=d, e=e, heads=heads, norm="none", biases=False)
    return [*_shapes(dice, gelu, llama, bare), *_numbers(gelu, llama, bare), *_formats(gelu, llama)]


def _shapes(dice: random.Random, gelu: Plan, llama: Plan, bare: Plan) -> list[Animal]:
    d, context = gelu.d, gelu.context
    wide = replace(llama, e=2 * d, kv=1, pairs="adjacent")
    gemma = replace(llama, kv=1, qk_norm=True, windows=(2, None), after=True, score_scale=0.3, embedding_scale=31.0)
    everything = replace(llama, positions="shortformer", last="layer", parallel=True, windows=(3, 1), activation="relu")
    everything = replace(everything, qk_norm=True, heads=3, kv=1, biases=True)
    return [
        Animal("one head as wide as the stream, one layer", replace(gelu, layers=1, heads=1, e=d)),
        Animal("heads twice as wide as the stream, one of keys", wide),
        Animal("one token, tied", replace(gelu, vocab=1, tied=True)),
        Animal("two tokens, tied, rotary", replace(llama, vocab=2, tied=True)),
        Animal("a context of one", replace(llama, context=1)),
        Animal("a context of two and windows of one", replace(llama, context=2, windows=(1, 1))),
        Animal("windows of one everywhere", replace(gelu, windows=(1, 1))),
        Animal("windows beyond the context", replace(llama, windows=(10 * context, context))),
        Animal("six heads and one of keys", replace(llama, heads=6, kv=1)),
        Animal("many heads of one dimension", replace(bare, heads=11, e=1, positions="none")),
        Animal("a stream of one dimension, centred", replace(gelu, d=1, e=2)),
        Animal("a stream of two dimensions", replace(llama, d=2)),
        Animal("a prime stream, heads wider", replace(gelu, d=13, e=17, positions="none", last="rms")),
        Animal("fourteen layers of one head", replace(gelu, layers=14, heads=1, e=2, mlp=0)),
        Animal("Gemma with other everything", gemma),
        Animal("all mechanisms at once", everything),
        Animal("SoLU with an inner norm, as wide as one", replace(gelu, mlp=1, activation="solu_ln", inner=True)),
        Animal("SoLU, parallel, rotary adjacent", replace(gelu, positions="rotary", pairs="adjacent", e=4, mlp=5)),
        Animal("attention alone, no norm, shortformer", replace(bare, positions="shortformer", layers=3)),
        Animal("a last norm of another kind", replace(bare, positions="rotary", e=4, last="layer")),
        Animal("a vocabulary larger than everything", replace(gelu, vocab=dice.randrange(300, 700), d=4, tied=True)),
    ]


def _numbers(gelu: Plan, llama: Plan, bare: Plan) -> list[Animal]:
    return [
        Animal("huge gains", gelu, lambda model: gains(model, 1e12)),
        Animal("tiny gains", llama, lambda model: gains(model, 1e-12)),
        Animal("gains of zero", gelu, lambda model: gains(model, 0.0)),
        Animal("negative gains", llama, lambda model: gains(model, -1.0)),
        Animal("the heads of the first layer are zero", llama, lambda model: first_layer(model, 0.0)),
        Animal("every tensor is zero", gelu, lambda model: model.map(torch.zeros_like)),
        Animal("all heads are the same", gelu, lambda model: model.map(_alike)),
        Animal("every matrix has rank one", llama, lambda model: model.map(_rank_one)),
        Animal("every matrix has rank one, no norm", bare, lambda model: model.map(_rank_one)),
        Animal("every matrix is flat", replace(bare, d=8, e=8), lambda model: model.map(_flat)),
        Animal(
            "all tokens have one embedding", gelu, lambda model: replace(model, W_E=model.W_E[:1].expand_as(model.W_E))
        ),
        Animal("embeddings that centring removes", gelu, lambda model: replace(model, W_E=torch.ones_like(model.W_E))),
        Animal("all tokens are promoted alike", llama, lambda model: replace(model, W_U=torch.ones_like(model.W_U))),
        Animal("the first layer is 1e10 of the second", gelu, lambda model: first_layer(model, 1e10)),
        Animal("an eps of one half", replace(gelu, eps=0.5)),
        Animal(
            "an eps of 1e-300 and a zero embedding", replace(llama, eps=1e-300), lambda m: replace(m, W_E=m.W_E * 0)
        ),
        Animal("scores times a million", replace(llama, score_scale=1e6), sound=False),
        Animal("weights of 1e30", gelu, lambda model: model.map(lambda t: t * 1e30), sound=False),
        Animal("weights of 1e-30", llama, lambda model: model.map(lambda t: t * 1e-30)),
        Animal("weights of 1e-30, no norm", bare, lambda model: model.map(lambda t: t * 1e-30)),
        Animal("subnormal weights", bare, lambda model: model.map(lambda t: t * 1e-310), sound=False),
        Animal("weights of 1e-160", gelu, lambda model: model.map(lambda t: t * 1e-160), sound=False),
        Animal("weights of 1e200", llama, lambda model: model.map(lambda t: t * 1e200), sound=False),
        Animal("NaN in one matrix", gelu, lambda model: replace(model, W_U=_with(model.W_U, torch.nan)), sound=False),
        Animal("NaN in a head", llama, lambda model: _in_head(model, torch.nan), sound=False),
        Animal("infinity in a head", gelu, lambda model: _in_head(model, torch.inf), sound=False),
    ]


def _formats(gelu: Plan, llama: Plan) -> list[Animal]:
    return [
        Animal("float32", gelu, lambda model: model.map(Tensor.float)),
        Animal("float32 of 1e-30", llama, lambda model: model.map(lambda t: (t * 1e-30).float()), sound=False),
        Animal("float32 of 1e18", gelu, lambda model: model.map(lambda t: (t * 1e18).float()), sound=False),
        Animal("subnormal float32", llama, lambda model: model.map(lambda t: (t * 1e-41).float()), sound=False),
        Animal("float16", gelu, lambda model: model.map(Tensor.half)),
        Animal("bfloat16", llama, lambda model: model.map(Tensor.bfloat16)),
        Animal("turned in memory", gelu, lambda model: model.map(lambda t: t.mT.contiguous().mT if t.dim() > 1 else t)),
        Animal("parameters with gradients", llama, lambda model: model.map(lambda t: t.clone().requires_grad_())),
        Animal("names that steer the terminal", replace(gelu, vocab=40)),
    ]


def gains(model: Weights, factor: float) -> Weights:
    """The model with all its gains multiplied."""

    def norm(value: Norm | None) -> Norm | None:
        return None if value is None or value.gain is None else replace(value, gain=value.gain * factor)

    def layer(value: Layer) -> Layer:
        mlp = None if value.mlp is None else replace(value.mlp, norm=norm(value.mlp.norm))
        return replace(value, norm=norm(value.norm), mlp=mlp)

    return replace(model, layers=tuple(map(layer, model.layers)), final_norm=norm(model.final_norm))


def first_layer(model: Weights, factor: float) -> Weights:
    """The model with what the heads of its first layer write multiplied."""
    first = model.layers[0]
    return replace(model, layers=(replace(first, W_O=first.W_O * factor, W_V=first.W_V * factor), *model.layers[1:]))


def _alike(tensor: Tensor) -> Tensor:
    return tensor[:1].expand_as(tensor).clone() if tensor.dim() == 3 else tensor


def _rank_one(tensor: Tensor) -> Tensor:
    return tensor[..., :1] @ tensor[..., :1, :] if tensor.dim() > 1 else tensor


def _flat(tensor: Tensor) -> Tensor:
    return torch.eye(*tensor.shape[-2:], dtype=tensor.dtype).expand_as(tensor).clone() if tensor.dim() > 1 else tensor


def _with(tensor: Tensor, value: float) -> Tensor:
    changed = tensor.clone()
    changed[(0,) * tensor.dim()] = value
    return changed


def _in_head(model: Weights, value: float) -> Weights:
    last = model.layers[-1]
    return replace(model, layers=(*model.layers[:-1], replace(last, W_K=_with(last.W_K, value))))
