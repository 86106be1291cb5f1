"""Random changes of a live model's forward pass: what recognition by structure must refuse, or compute equally.

A change is drawn from a seed. It is made by a subclass, which copies of the model have too, or in the function that
computes attention in the model's own file.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Any

import pytest
import torch
from reference_models import SHAPES, reference
from torch import Tensor, nn
from torch.nn import functional as F

BASES = [
    next(shape for shape in SHAPES if shape.name == name)
    for name in (
        "llama-groups-of-two",
        "gpt2-tied",
        "neox-parallel-quarter",
        "qwen3-groups-of-two",
        "gemma2-in-turn",
        "olmo2-one-key-head-tied",
        "starcoder2-groups-of-two",
        "phi3-window-partial",
        "mistral-window",
        "granite-all-multipliers",
    )
]
Change = Callable[[Any, Random, pytest.MonkeyPatch], str]


@dataclass(frozen=True)
class Mutant:
    """A changed model, and what was changed."""

    model: Any
    what: str


def mutant(seed: int, patch: pytest.MonkeyPatch) -> Mutant:
    """The mutant of a seed: every kind of change in turn, of a model and with numbers that are drawn."""
    draw = Random(seed)
    shape = BASES[(seed // len(CHANGES) + draw.randrange(len(BASES))) % len(BASES)]
    model = reference(shape, seed)
    if draw.random() < 0.5:
        model = model.float()
    what = CHANGES[seed % len(CHANGES)](model, draw, patch)
    return Mutant(model, f"{shape.name}: {what}")


# Results of submodules


def times(x: Tensor, factor: float) -> Tensor:
    return x * factor


def shifted(x: Tensor, size: float) -> Tensor:
    return x + size * torch.arange(x.shape[-1], dtype=x.dtype).cos()


def squashed(x: Tensor, size: float) -> Tensor:
    return torch.tanh(x / (4 * size)) * 4 * size


def squared(x: Tensor, size: float) -> Tensor:
    return x + 0.02 * size * x * x


def clipped(x: Tensor, size: float) -> Tensor:
    return x.clamp(-size, size)


def rolled(x: Tensor, size: float) -> Tensor:
    return x.roll(1, -1)


def delayed(x: Tensor, size: float) -> Tensor:
    return torch.cat([x[:, :1], x[:, :-1]], 1)


def halved(x: Tensor, size: float) -> Tensor:
    return x * (torch.arange(x.shape[-1]) % 2)


def rounded(x: Tensor, size: float) -> Tensor:
    return x.bfloat16().to(x.dtype)


def longer(x: Tensor, size: float) -> Tensor:
    return x * (1 + 0.1 * size * (x.shape[1] > 24))


def later(x: Tensor, size: float) -> Tensor:
    late = torch.arange(x.shape[1]) > 26
    return x * (1 + 0.1 * size * late[:, None])


def of_batch(x: Tensor, size: float) -> Tensor:
    return x - 0.1 * size * x.mean(0, keepdim=True)


def noisy(x: Tensor, size: float) -> Tensor:
    return x + 0.01 * size * torch.randn(x.shape, dtype=x.dtype)


def negative(x: Tensor, size: float) -> Tensor:
    return -x


def without_mean(x: Tensor, size: float) -> Tensor:
    return x - x.mean(-1, keepdim=True)


RESULTS = [times, shifted, squashed, squared, clipped, rolled, delayed, halved, rounded, longer, later, of_batch]
RESULTS += [noisy, negative, without_mean]


def recast(module: nn.Module, forward: Callable[..., Any]) -> None:
    """Give a module a class whose forward is ``forward(self, before, *args)``."""
    before = type(module)

    def own(self: nn.Module, *args: Any, **kwargs: Any) -> Any:
        return forward(self, partial(before.forward, self), *args, **kwargs)

    module.__class__ = type(before.__name__, (before,), {"forward": own, "__module__": before.__module__})


def results(module: nn.Module, change: Callable[[Tensor], Tensor]) -> None:
    """Change the first tensor that a module returns."""

    def forward(self: nn.Module, before: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        out = before(*args, **kwargs)
        return (change(out[0]), *out[1:]) if isinstance(out, tuple) else change(out)

    recast(module, forward)


def of_results(model: Any, draw: Random, patch: pytest.MonkeyPatch) -> str:
    places = [(name, module) for name, module in model.named_modules() if _returns_stream(name, module)]
    name, module = draw.choice(places)
    change, size = draw.choice(RESULTS), draw.choice([0.3, 0.9, 1.01, 2.0])
    results(module, lambda x: change(x, size) if x.dim() == 3 else x)
    return f"{name} {change.__name__} {size}"


def _returns_stream(name: str, module: nn.Module) -> bool:
    kinds = ("Linear", "Conv1D", "Norm", "Attention", "MLP", "Layer", "Block", "Embedding", "LayerNorm")
    return bool(name) and type(module).__name__.endswith(kinds) and "rotary" not in name


# Attention


def scores_changed(model: Any, draw: Random, patch: pytest.MonkeyPatch) -> str:
    """Change scores, patterns or values in one layer."""
    home = _home(model)
    layer, size = draw.randrange(model.config.num_hidden_layers), draw.choice([0.5, 0.99, 2.0, 5.0, 20.0])
    names = list(SCORES)
    name = draw.choice(names)

    def forward(module: Any, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, *rest: Any, **more: Any):
        if module.layer_idx != layer:
            return before(module, query, key, value, mask, *rest, **more)
        scaling = rest[0] if rest else more.get("scaling")
        scaling = query.shape[-1] ** -0.5 if scaling is None else scaling
        times = query.shape[1] // key.shape[1]
        key, value = key.repeat_interleave(times, 1), value.repeat_interleave(times, 1)
        out, weights = SCORES[name](query * scaling, key, value, _mask(query, mask), size)
        return out.transpose(1, 2).contiguous(), weights

    before = home.eager_attention_forward
    patch.setattr(home, "eager_attention_forward", forward)
    return f"layer {layer}, scores {name} {size}"


def _home(model: Any) -> Any:
    return sys.modules[type(model).__mro__[0].__module__]


def _mask(query: Tensor, mask: Tensor | None) -> Tensor:
    size = query.shape[-2]
    causal = torch.full((size, size), -torch.inf, dtype=query.dtype).triu(1)
    return causal if mask is None else mask.to(query.dtype).clamp(min=-1e30)


def _mixed(scores: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
    weights = scores.softmax(-1)
    return weights @ value, weights


def _capped(q: Tensor, k: Tensor, v: Tensor, mask: Tensor, size: float) -> tuple[Tensor, Tensor]:
    return _mixed(torch.tanh(q @ k.mT / size) * size + mask, v)


def _limited(q: Tensor, k: Tensor, v: Tensor, mask: Tensor, size: float) -> tuple[Tensor, Tensor]:
    return _mixed((q @ k.mT).clamp(-size, size) + mask, v)


def _sloped(q: Tensor, k: Tensor, v: Tensor, mask: Tensor, size: float) -> tuple[Tensor, Tensor]:
    at = torch.arange(q.shape[-2])
    return _mixed(q @ k.mT - 0.02 * size * (at[:, None] - at) + mask, v)


def _windowed(q: Tensor, k: Tensor, v: Tensor, mask: Tensor, size: float) -> tuple[Tensor, Tensor]:
    far = torch.ones(q.shape[-2], q.shape[-2]).tril(-int(1 + 6 * size)).bool()
    return _mixed((q @ k.mT + mask).masked_fill(far, -torch.inf), v)


def _chunked(q: Tensor, k: Tensor, v: Tensor, mask: Tensor, size: float) -> tuple[Tensor, Tensor]:
    chunk = torch.arange(q.shape[-2]) // int(2 + size)
    return _mixed((q @ k.mT + mask).masked_fill(chunk[:, None] != chunk, -torch.inf), v)


def _sinking(q: Tensor, k: Tensor, v: Tensor, mask: Tensor, size: float) -> tuple[Tensor, Tensor]:
    scores = torch.cat([q @ k.mT + mask, torch.full_like(q[..., :1], size - 2)], -1)
    weights = scores.softmax(-1)[..., :-1]
    return weights @ v, weights


def _sharper(q: Tensor, k: Tensor, v: Tensor, mask: Tensor, size: float) -> tuple[Tensor, Tensor]:
    return _mixed(q @ k.mT * size + mask, v)


def _thinned(q: Tensor, k: Tensor, v: Tensor, mask: Tensor, size: float) -> tuple[Tensor, Tensor]:
    weights = (q @ k.mT + mask).softmax(-1)
    weights = weights * (weights > 0.01 * size)
    return weights @ v, weights


def _permuted(q: Tensor, k: Tensor, v: Tensor, mask: Tensor, size: float) -> tuple[Tensor, Tensor]:
    return _mixed(q.roll(1, 1) @ k.mT + mask, v)


def _values_permuted(q: Tensor, k: Tensor, v: Tensor, mask: Tensor, size: float) -> tuple[Tensor, Tensor]:
    return _mixed(q @ k.mT + mask, v.roll(1, 1))


def _values_delayed(q: Tensor, k: Tensor, v: Tensor, mask: Tensor, size: float) -> tuple[Tensor, Tensor]:
    return _mixed(q @ k.mT + mask, torch.cat([v[:, :, :1], v[:, :, :-1]], 2))


def _lengthened(q: Tensor, k: Tensor, v: Tensor, mask: Tensor, size: float) -> tuple[Tensor, Tensor]:
    return _mixed(q @ k.mT * (1 + 0.1 * size * (q.shape[-2] > 16)) + mask, v)


def _hidden(q: Tensor, k: Tensor, v: Tensor, mask: Tensor, size: float) -> tuple[Tensor, Tensor]:
    """Other patterns are mixed than are returned."""
    weights = (q @ k.mT + mask).softmax(-1)
    return (q @ k.mT * size + mask).softmax(-1) @ v, weights


def _first(q: Tensor, k: Tensor, v: Tensor, mask: Tensor, size: float) -> tuple[Tensor, Tensor]:
    first = torch.zeros(q.shape[-2]).index_fill(0, torch.tensor([0]), size)
    return _mixed(q @ k.mT + first.to(q.dtype) + mask, v)


def _cosine(q: Tensor, k: Tensor, v: Tensor, mask: Tensor, size: float) -> tuple[Tensor, Tensor]:
    return _mixed(F.normalize(q, dim=-1) @ F.normalize(k, dim=-1).mT * size + mask, v)


def _same(q: Tensor, k: Tensor, v: Tensor, mask: Tensor, size: float) -> tuple[Tensor, Tensor]:
    return _mixed(q @ k.mT + mask, v)


SCORES = {
    "capped": _capped,
    "limited": _limited,
    "sloped": _sloped,
    "windowed": _windowed,
    "chunked": _chunked,
    "with a sink": _sinking,
    "sharper": _sharper,
    "thinned": _thinned,
    "of permuted heads": _permuted,
    "with permuted values": _values_permuted,
    "with delayed values": _values_delayed,
    "by length": _lengthened,
    "hidden": _hidden,
    "to the first": _first,
    "of cosines": _cosine,
    "the same": _same,
}


# Parts


def other_activation(model: Any, draw: Random, patch: pytest.MonkeyPatch) -> str:
    names = ("act_fn", "act", "activation_fn", "activation")
    held = [(module, name) for module in model.modules() for name in names]
    places = [place for place in held if isinstance(getattr(*place, None), nn.Module)]
    new = draw.choice([nn.GELU(), nn.GELU("tanh"), nn.SiLU(), nn.ReLU(), nn.Tanh(), nn.Mish(), nn.ELU(), nn.Softplus()])
    for module, name in places if draw.random() < 0.5 else places[:1]:
        setattr(module, name, new)
    return f"activation {new}"


def other_norm(model: Any, draw: Random, patch: pytest.MonkeyPatch) -> str:
    places = [name for name, module in model.named_modules() if "Norm" in type(module).__name__]
    name = draw.choice(places)
    old = model.get_submodule(name)
    kind = draw.choice([nn.LayerNorm, nn.RMSNorm])
    new = kind(old.weight.shape[0], eps=draw.choice([1e-6, 1e-3]), dtype=old.weight.dtype)
    new.weight.data.copy_(old.weight)
    parent, _, child = name.rpartition(".")
    setattr(model.get_submodule(parent), child, new)
    return f"{name} becomes {new}"


def other_eps(model: Any, draw: Random, patch: pytest.MonkeyPatch) -> str:
    places = [module for module in model.modules() if "Norm" in type(module).__name__]
    eps = draw.choice([1e-7, 2e-5, 1e-3, 0.3])
    chosen = places if draw.random() < 0.3 else [draw.choice(places)]
    for module in chosen:
        setattr(module, "variance_epsilon" if hasattr(module, "variance_epsilon") else "eps", eps)
    return f"ε {eps} in {len(chosen)} norms"


def other_residual(model: Any, draw: Random, patch: pytest.MonkeyPatch) -> str:
    """A block without its residual, or with a part of it."""
    share = draw.choice([0.0, 0.5, 0.99, 1.5])
    name, block = draw.choice(_blocks(model))

    def forward(self: nn.Module, before: Callable[..., Any], x: Tensor, *args: Any, **kwargs: Any) -> Any:
        out = before(x, *args, **kwargs)
        return (out[0] - x * (1 - share), *out[1:]) if isinstance(out, tuple) else out - x * (1 - share)

    recast(block, forward)
    return f"{name} with {share} of its residual"


def _blocks(model: Any) -> list[tuple[str, nn.Module]]:
    home = next(
        (name, module)
        for name, module in model.named_modules()
        if isinstance(module, nn.ModuleList) and len(module) == model.config.num_hidden_layers
    )
    return [(f"{home[0]}.{index}", block) for index, block in enumerate(home[1])]


def other_bias(model: Any, draw: Random, patch: pytest.MonkeyPatch) -> str:
    """A bias for a linear map that had none, or none for one that had one."""
    name, module = draw.choice([pair for pair in model.named_modules() if isinstance(pair[1], nn.Linear)])
    had = module.bias is not None
    bias = None if had else nn.Parameter(0.3 * torch.arange(module.weight.shape[0], dtype=module.weight.dtype).sin())
    module.bias = bias
    return f"{name} {'without' if had else 'with'} a bias"


def other_turn(model: Any, draw: Random, patch: pytest.MonkeyPatch) -> str:
    home, size = _home(model), draw.choice([0.5, 1.0, 2.0])
    if not hasattr(home, "rotate_half"):
        return scores_changed(model, draw, patch)
    ways: dict[str, Callable[[Tensor], Tensor]] = {
        "backwards": lambda x: -before(x),
        "adjacent": lambda x: torch.stack((-x[..., 1::2], x[..., ::2]), -1).flatten(-2),
        "scaled": lambda x: before(x) * size,
        "exchanged": lambda x: before(x.roll(x.shape[-1] // 2, -1)),
        "reflected": lambda x: torch.cat((x[..., x.shape[-1] // 2 :], x[..., : x.shape[-1] // 2]), -1),
    }
    before, name = home.rotate_half, draw.choice(list(ways))
    patch.setattr(home, "rotate_half", ways[name])
    return f"rotary {name} {size}"


def other_frequencies(model: Any, draw: Random, patch: pytest.MonkeyPatch) -> str:
    places = [module for module in model.modules() if hasattr(module, "inv_freq")]
    if not places:
        return of_results(model, draw, patch)
    way = draw.choice(["slower", "positions", "positions later", "by length"])

    def forward(self: Any, before: Callable[..., Any], x: Tensor, position_ids: Tensor, *args: Any) -> Any:
        late = position_ids * (1 + (position_ids > 20)) if way == "positions later" else position_ids * 2
        return before(x, late if way != "by length" or x.shape[1] > 30 else position_ids, *args)

    for module in places:
        if way == "slower":
            module.inv_freq.mul_(0.25)
        else:
            recast(module, forward)
    return f"frequencies {way}"


def other_order(model: Any, draw: Random, patch: pytest.MonkeyPatch) -> str:
    """Blocks in another order, one twice, or one left out."""
    (name, block), (_, other) = draw.sample(_blocks(model), 2)
    way = draw.choice(["exchanged", "twice", "left out", "shared"])
    blocks = model.get_submodule(name.rpartition(".")[0])
    first, second = list(blocks).index(block), list(blocks).index(other)
    if way == "exchanged":
        blocks[first], blocks[second] = other, block
    elif way == "shared":
        blocks[first] = other
    else:

        def forward(self: nn.Module, before: Callable[..., Any], x: Tensor, *args: Any, **kwargs: Any) -> Any:
            out = before(x, *args, **kwargs)
            if way == "twice":
                return before(out[0] if isinstance(out, tuple) else out, *args, **kwargs)
            return (x, *out[1:]) if isinstance(out, tuple) else x

        recast(block, forward)
    return f"{name} {way}"


def other_ids(model: Any, draw: Random, patch: pytest.MonkeyPatch) -> str:
    """One token's row is another's, or a row is scaled."""
    embedding, token = model.get_input_embeddings(), draw.randrange(90)
    way = draw.choice(["another", "scaled", "first"])

    def forward(self: nn.Module, before: Callable[..., Any], ids: Tensor) -> Any:
        if way == "another":
            return before(torch.where(ids == token, 3, ids))
        out = before(ids)
        if way == "scaled":
            return out * (1 + (ids == token)[..., None].to(out.dtype))
        return torch.cat([out[:, :1] * 2, out[:, 1:]], 1)

    recast(embedding, forward)
    return f"embedding {way} {token}"


def without_effect(model: Any, draw: Random, patch: pytest.MonkeyPatch) -> str:
    """What changes nothing: training mode with dropout, attention by another kernel, frozen parameters."""
    way = draw.choice(["training", "sdpa", "frozen", "hooks"])
    if way == "training":
        model.train()
    elif way == "sdpa":
        model.config._attn_implementation = "sdpa"
    elif way == "frozen":
        model.requires_grad_(requires_grad=False)
    else:
        next(iter(model.children())).register_forward_hook(lambda module, args, out: None)
    return f"without effect, {way}"


CHANGES: list[Change] = [
    of_results,
    scores_changed,
    other_activation,
    scores_changed,
    other_norm,
    of_results,
    other_eps,
    scores_changed,
    other_residual,
    other_bias,
    of_results,
    other_turn,
    other_frequencies,
    scores_changed,
    other_order,
    other_ids,
    of_results,
    without_effect,
]
