"""HookedTransformer checkpoints with MLPs and shared keys: logits as plain loops over the tensors, and refusals."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from depth import deep
from each import each
from hostile import refusal
from torch import Tensor

from loadstore.checkpoints.library import load
from loadstore.errors import BadCheckpoint, NotThisModel
from loadstore.execution.run import run

D, HEADS, D_HEAD, WIDTH, VOCAB, CONTEXT, LAYERS = 12, 4, 4, 10, 17, 10, 2
EPS = 1e-3
Config = dict[str, Any]


def settings(**changes: Any) -> Config:
    """What TransformerLens states of such a model."""
    return {
        **{"n_layers": LAYERS, "d_model": D, "n_heads": HEADS, "d_head": D_HEAD, "d_vocab": VOCAB, "n_ctx": CONTEXT},
        **{"d_mlp": WIDTH, "act_fn": "gelu", "attn_only": False, "gated_mlp": False, "parallel_attn_mlp": False},
        **{"normalization_type": "LN", "positional_embedding_type": "standard", "eps": EPS, "n_key_value_heads": None},
        **changes,
    }


def state(config: Config, seed: int = 0) -> dict[str, Tensor]:
    """Random tensors in that naming, of which all matter."""
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape: int, size: float = 0.4) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64) * size

    def norm(name: str, width: int) -> dict[str, Tensor]:
        gained = config["normalization_type"] in ("LN", "RMS")
        found = {f"{name}.w": 1 + draw(width)} if gained else {}
        return found | ({f"{name}.b": draw(width)} if config["normalization_type"] == "LN" else {})

    groups = config["n_key_value_heads"]
    shared = "" if groups is None else "_"
    tensors = {"embed.W_E": draw(VOCAB, D, size=1.0), "unembed.W_U": draw(D, VOCAB), "unembed.b_U": draw(VOCAB)}
    if config["positional_embedding_type"] != "rotary":
        tensors["pos_embed.W_pos"] = draw(CONTEXT, D, size=1.0)
    for index in range(LAYERS):
        at = f"blocks.{index}."
        tensors |= norm(f"{at}ln1", D) | norm(f"{at}ln2", D)
        tensors |= {f"{at}attn.W_Q": draw(HEADS, D, D_HEAD), f"{at}attn.b_Q": draw(HEADS, D_HEAD)}
        for side in "KV":
            tensors[f"{at}attn.{shared}W_{side}"] = draw(groups or HEADS, D, D_HEAD)
            tensors[f"{at}attn.{shared}b_{side}"] = draw(groups or HEADS, D_HEAD)
        tensors |= {f"{at}attn.W_O": draw(HEADS, D_HEAD, D), f"{at}attn.b_O": draw(D)}
        tensors |= {f"{at}mlp.W_in": draw(D, WIDTH), f"{at}mlp.b_in": draw(WIDTH)}
        tensors |= {f"{at}mlp.W_out": draw(WIDTH, D), f"{at}mlp.b_out": draw(D)}
        if config["gated_mlp"]:
            tensors[f"{at}mlp.W_gate"] = draw(D, WIDTH)
        if config["act_fn"] == "solu_ln" and config["normalization_type"] == "LN":
            tensors |= norm(f"{at}mlp.ln", WIDTH)
    return tensors | norm("ln_final", D)


def write(folder: Path, tensors: dict[str, Tensor], config: Config | None) -> Path:
    if config is not None:
        (folder / "config.json").write_text(json.dumps(config))
    torch.save(tensors, folder / "m.pth")
    return folder / "m.pth"


def normed(x: np.ndarray, tensors: dict[str, np.ndarray], name: str, kind: str | None) -> np.ndarray:
    """One token through the norm of that name."""
    if kind is None:
        return x
    x = x - sum(x) / len(x) if kind.startswith("LN") else x
    x = x / math.sqrt(sum(value * value for value in x) / len(x) + EPS)
    return x * tensors.get(f"{name}.w", np.ones(len(x))) + tensors.get(f"{name}.b", np.zeros(len(x)))


def activated(x: np.ndarray, act: str) -> np.ndarray:
    """The activations by their definitions."""
    if act.startswith("solu"):
        total = sum(math.exp(value) for value in x)
        return np.array([value * math.exp(value) / total for value in x])
    scalar = {
        "gelu": lambda v: v * (1 + math.erf(v / math.sqrt(2))) / 2,
        "gelu_new": lambda v: v * (1 + math.tanh(math.sqrt(2 / math.pi) * (v + 0.044715 * v**3))) / 2,
        "gelu_fast": lambda v: v * (1 + math.tanh(v * math.sqrt(2 / math.pi) * (1 + 0.044715 * v * v))) / 2,
        "silu": lambda v: v / (1 + math.exp(-v)),
        "relu": lambda v: max(v, 0.0),
    }[act]
    return np.array([scalar(value) for value in x])


def mlp(x: np.ndarray, tensors: dict[str, np.ndarray], at: str, config: Config) -> np.ndarray:
    """The MLP of TransformerLens: with a gate, b_in is added behind the product."""
    act = config["act_fn"]
    if config["gated_mlp"]:
        inside = activated(x @ tensors[f"{at}W_gate"], act) * (x @ tensors[f"{at}W_in"]) + tensors[f"{at}b_in"]
    else:
        inside = activated(x @ tensors[f"{at}W_in"] + tensors[f"{at}b_in"], act)
    if act == "solu_ln":
        inside = normed(inside, tensors, f"{at}ln", "LN")
    return inside @ tensors[f"{at}W_out"] + tensors[f"{at}b_out"]


def turned(x: np.ndarray, position: int) -> np.ndarray:
    """Rotary positions over all dimensions, halves paired, base 10000."""
    half, out = D_HEAD // 2, x.copy()
    for i in range(half):
        angle = position * 10_000.0 ** (-i / half)
        out[i] = x[i] * math.cos(angle) - x[i + half] * math.sin(angle)
        out[i + half] = x[i + half] * math.cos(angle) + x[i] * math.sin(angle)
    return out


def attention(inputs: list[np.ndarray], positions: np.ndarray, tensors: dict[str, np.ndarray], at: str, config: Config):
    """What the heads of one layer add, token by token; ``positions`` join the inputs of Q and K."""
    groups = config["n_key_value_heads"]
    shared = "" if groups is None else "_"
    turn = turned if config["positional_embedding_type"] == "rotary" else lambda x, _: x
    outputs = [tensors[f"{at}b_O"].copy() for _ in inputs]
    for h in range(HEADS):
        kv = h if groups is None else h // (HEADS // groups)

        def side(x: np.ndarray, name: str, index: int) -> np.ndarray:
            return x @ tensors[f"{at}{name}"][index] + tensors[f"{at}{name.replace('W', 'b')}"][index]

        for i, x in enumerate(inputs):
            q = turn(side(x + positions[i], "W_Q", h), i)
            keys = [turn(side(y + positions[j], f"{shared}W_K", kv), j) for j, y in enumerate(inputs[: i + 1])]
            scores = [math.exp(float(q @ k) / math.sqrt(D_HEAD)) for k in keys]
            z = sum(s / sum(scores) * side(y, f"{shared}W_V", kv) for s, y in zip(scores, inputs, strict=False))
            outputs[i] += z @ tensors[f"{at}W_O"][h]
    return outputs


def loops(found: dict[str, Tensor], config: Config, tokens: list[int]) -> np.ndarray:
    """Logits from the tensors by their names, in plain loops."""
    tensors = {name: tensor.numpy() for name, tensor in found.items()}
    kind, scheme = config["normalization_type"], config["positional_embedding_type"]
    stream = [tensors["embed.W_E"][token] for token in tokens]
    positions = tensors.get("pos_embed.W_pos", np.zeros((CONTEXT, D)))
    if scheme == "standard":
        stream = [x + positions[i] for i, x in enumerate(stream)]
    beside = positions if scheme == "shortformer" else np.zeros((CONTEXT, D))
    for index in range(LAYERS):
        at = f"blocks.{index}."
        heads = attention([normed(x, tensors, f"{at}ln1", kind) for x in stream], beside, tensors, f"{at}attn.", config)
        after = [x + store for x, store in zip(stream, heads, strict=True)]
        read = stream if config["parallel_attn_mlp"] else after
        stream = [
            x + mlp(normed(y, tensors, f"{at}ln2", kind), tensors, f"{at}mlp.", config)
            for x, y in zip(after, read, strict=True)
        ]
    last = [normed(x, tensors, "ln_final", kind) for x in stream]
    return np.array(last) @ tensors["unembed.W_U"] + tensors["unembed.b_U"]


CASES = [
    *({"act_fn": act} for act in ("gelu", "gelu_new", "gelu_fast", "silu", "relu", "solu", "solu_ln")),
    *({"act_fn": act, "gated_mlp": True} for act in ("silu", "gelu_new", "solu")),
    *({"n_key_value_heads": groups} for groups in (1, 2, 4)),
    *(
        {"normalization_type": norm, "act_fn": act}
        for norm in (None, "LNPre", "RMS", "RMSPre")
        for act in ("relu", "solu_ln")
    ),
    {"positional_embedding_type": "shortformer"},
    {"parallel_attn_mlp": True},
    {"positional_embedding_type": "rotary", "rotary_dim": D_HEAD, "parallel_attn_mlp": True, "n_key_value_heads": 2},
    {
        "normalization_type": "RMS",
        "gated_mlp": True,
        "act_fn": "silu",
        "n_key_value_heads": 2,
        "parallel_attn_mlp": True,
    },
]


@pytest.mark.parametrize("changes", CASES, ids=str)
def test_logits_are_those_of_plain_loops(tmp_path: Path, changes: Config) -> None:
    config = settings(**changes)
    tensors, tokens = state(config), [3, 1, 4, 1, 5, 9, 2, 6]
    model = load(write(tmp_path, tensors, config))
    np.testing.assert_allclose(run(model, tokens).logits.numpy(), loops(tensors, config, tokens), atol=1e-10)


@each("changes", deep(CASES, usual=CASES[::3]))  # gates, groups, norms, positions and order are all among the third
def test_every_tensor_matters_and_none_may_be_missing(tmp_path: Path, changes: Config) -> None:
    config = settings(**changes)
    tensors, tokens = state(config), [3, 1, 4, 1, 5, 9, 2, 6]
    logits = run(load(write(tmp_path, tensors, config)), tokens).logits
    for name in [name for name in tensors if name.startswith(("blocks.1.mlp", "blocks.1.ln2"))]:
        changed = {**tensors, name: tensors[name] * 1.5}
        other = run(load(write(tmp_path, changed, config)), tokens).logits
        assert float((logits - other).abs().max()) > 1e-6, name
        fewer = {key: value for key, value in tensors.items() if key != name}
        refusal(lambda fewer=fewer: load(write(tmp_path, fewer, config)), BadCheckpoint, "m.pth", f"'{name}'")
        longer = {**tensors, name: tensors[name].repeat_interleave(2, 0)}
        refusal(
            lambda longer=longer: load(write(tmp_path, longer, config)),
            *(BadCheckpoint, "m.pth", f"'{name}' is {list(longer[name].shape)}, expected {list(tensors[name].shape)}"),
        )


@each(
    ("changes", "words"),
    [
        ({"attn_only": True}, "attn_only = True, its tensors say False"),
        ({"d_mlp": 48}, "d_mlp = 48, its tensors say 10"),
        ({"gated_mlp": True}, "gated_mlp = True, its tensors say False"),
        ({"act_fn": None}, "does not state their activation; add a config.json beside it with act_fn"),
        ({"act_fn": "xielu"}, "act_fn = xielu, which is not supported; supported are gelu, gelu_new"),
        ({"act_fn": ["gelu"]}, "which is not supported"),
        ({"act_fn": "solu_ln"}, "no tensor 'blocks.0.mlp.ln.w', but its config says act_fn = solu_ln"),
        ({"parallel_attn_mlp": "half"}, "parallel_attn_mlp = half; expected true or false"),
        ({"n_key_value_heads": 2}, "n_key_value_heads = 2, its tensors say 4"),
        ({"normalization_type": "LNPre"}, "its config says norm LNPre, but it has norm tensors"),
    ],
)
def test_a_config_of_another_model(tmp_path: Path, changes: Config, words: str) -> None:
    path = write(tmp_path, state(settings()), settings(**changes))
    refusal(lambda: load(path), BadCheckpoint, path, words)


def test_without_a_config_the_activation_is_asked_for(tmp_path: Path) -> None:
    path = write(tmp_path, state(settings()), None)
    refusal(lambda: load(path, positions="learned"), NotThisModel, path, "act_fn", "gelu, gelu_new")


def test_a_gate_and_a_norm_inside_are_not_both_supported(tmp_path: Path) -> None:
    config = settings(act_fn="solu_ln", gated_mlp=True)
    path = write(tmp_path, state(config), config)
    refusal(lambda: load(path), NotThisModel, path, "solu_ln, which is not supported with a gate")


def test_a_norm_inside_that_the_config_denies(tmp_path: Path) -> None:
    path = write(tmp_path, state(settings(act_fn="solu_ln")), settings(act_fn="solu"))
    refusal(lambda: load(path), BadCheckpoint, path, "a tensor 'blocks.0.mlp.ln.w'", "act_fn = another")


def test_keys_that_are_shared_and_separate(tmp_path: Path) -> None:
    config = settings(n_key_value_heads=2)
    extra = {f"blocks.{i}.attn.W_K": torch.zeros(HEADS, D, D_HEAD, dtype=torch.float64) for i in range(LAYERS)}
    path = write(tmp_path, {**state(config), **extra}, config)
    refusal(lambda: load(path), BadCheckpoint, path, "'blocks.0.attn.W_K'", "one of the two")


def test_groups_that_do_not_divide_the_heads(tmp_path: Path) -> None:
    config = settings(n_key_value_heads=3)
    path = write(tmp_path, state(config), config)
    refusal(lambda: load(path), NotThisModel, path, "n_kv_heads = 3 is impossible")


@pytest.mark.parametrize("name", ["blocks.0.ln1.w", "blocks.0.ln2.w", "ln_final.w", "blocks.1.ln2.b"])
def test_one_of_the_norms_missing(tmp_path: Path, name: str) -> None:
    found = state(settings())
    path = write(tmp_path, {key: value for key, value in found.items() if key != name}, settings())
    refusal(lambda: load(path), BadCheckpoint, path, f"no tensor '{name}'")


def test_a_second_norm_without_an_mlp(tmp_path: Path) -> None:
    found = {name: tensor for name, tensor in state(settings()).items() if ".mlp." not in name}
    path = write(tmp_path, found, settings(attn_only=True))
    refusal(lambda: load(path), BadCheckpoint, path, "no tensor 'blocks.0.mlp.W_in', but has 'blocks.")
