"""GGUF files of every architecture: logits are those of `transformers` for the model that was converted."""

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from close import assert_close
from depth import NIGHTLY
from each import each
from gguf_files import ARRAY, BOOL, F32, TEXT, U32, Array, File
from gguf_models import CASES, converted, rounded
from hostile import refusal
from reference_models import exact, outputs

import loadstore as ls
from loadstore.checkpoints.families.gguf_kinds import KINDS
from loadstore.errors import BadCheckpoint, LoadstoreError, NotThisModel
from loadstore.model.quantised import Quantised
from loadstore.model.weights import Weights

TOKENS = torch.tensor([[5, 80, 7, 30, 5, 80, 7, 12, 99, 1]])


def opened(folder: Path, file: File) -> Weights:
    path = folder / "tiny.gguf"
    path.unlink(missing_ok=True)
    path.write_bytes(file.written())
    return ls.load(path)


@each("name", CASES)
def test_logits_and_patterns_are_those_of_the_model_that_was_converted(tmp_path: Path, name: str) -> None:
    one = CASES[name]
    ours, theirs = opened(tmp_path, converted(name)), rounded(name)
    assert all(isinstance(tensor, Quantised) for key, tensor in ours.named() if key.startswith("layers"))
    with exact(theirs):
        logits, patterns, _ = outputs(theirs, TOKENS)
    trace = ls.run(ours.double(), TOKENS, record=True)
    far = [float((trace.logits - logits).abs().max() / logits.abs().max())]
    for head in ours.architecture.heads:
        far.append(float((trace.pattern(head) - patterns[head.layer][:, head.index]).abs().max()))
    assert max(far) < one.tolerance


def test_older_files_of_deepseek_have_one_matrix_of_keys_and_values(tmp_path: Path) -> None:
    file, held = converted("deepseek_v2"), rounded("deepseek_v2")
    expected = ls.run(opened(tmp_path, file), TOKENS).logits
    config = held.config
    old = replace(file, tensors=tuple(one for one in file.tensors if not re.search(r"attn_[kv]_b", one.name)))
    for name in ("key_length_mla", "value_length_mla"):
        old = old.without(f"deepseek2.attention.{name}")
    old = old.with_fact("deepseek2.attention.key_length", U32, config.qk_nope_head_dim + config.qk_rope_head_dim)
    old = old.with_fact("deepseek2.attention.value_length", U32, config.v_head_dim)
    for layer in range(config.num_hidden_layers):
        both = held.state_dict()[f"model.layers.{layer}.self_attn.kv_b_proj.weight"]
        old = old.with_tensor(f"blk.{layer}.attn_kv_b.weight", both.numpy())
    assert_close(ls.run(opened(tmp_path, old), TOKENS).logits, expected)


def test_there_is_a_case_of_every_architecture_that_is_converted_here() -> None:
    made = {"llama", "qwen2", "qwen3", "gemma3", "gpt2"}  # in test_gguf.py
    assert {one.name for one in CASES.values()} | made == set(KINDS)


ODD: tuple[tuple[int, Any], ...] = (
    (U32, 0),
    (U32, 3),
    (U32, 2**31),
    (F32, float("nan")),
    (F32, -1.5),
    (TEXT, "x"),
    (BOOL, True),
    (ARRAY, Array(U32, [2, 4])),
)


@each("name", CASES)
def test_facts_that_are_odd_or_missing_are_a_model_or_a_documented_error(tmp_path: Path, name: str) -> None:
    file, kind = converted(name), CASES[name].name
    keys = [key for key, *_ in file.facts if key.startswith(f"{kind}.")]
    for number, key in enumerate(keys):
        odd = [None, *ODD]
        for fact in odd if NIGHTLY else odd[number % len(odd) :: len(odd)]:
            changed = file.without(key) if fact is None else file.with_fact(key, *fact)
            with suppress(LoadstoreError):
                ls.run(opened(tmp_path, changed), TOKENS[0, :3])


REFUSED: dict[str, tuple[str, Callable[[File], File], type[LoadstoreError], tuple[str, ...]]] = {
    "sigmoids of Qwen": (
        "qwen3_moe",
        lambda file: file.with_fact("qwen3moe.expert_gating_func", U32, 2),
        NotThisModel,
        ("qwen3moe.expert_gating_func = 2",),
    ),
    "weights that are divided": (
        "qwen2_moe",
        lambda file: file.with_fact("qwen2moe.expert_weights_norm", BOOL, True),
        NotThisModel,
        ("qwen2moe.expert_weights_norm = True",),
    ),
    "another scoring": (
        "deepseek_v3",
        lambda file: file.with_fact("deepseek2.expert_gating_func", U32, 4),
        NotThisModel,
        ("deepseek2.expert_gating_func = 4", "softmax"),
    ),
    "weights that V2 divides": (
        "deepseek_v2",
        lambda file: file.with_fact("deepseek2.expert_weights_norm", BOOL, True),
        NotThisModel,
        ("norm_topk_prob = True",),
    ),
    "YaRN of DeepSeek without its multiplier": (
        "deepseek_v2",
        lambda file: file.without("deepseek2.rope.scaling.yarn_log_multiplier"),
        NotThisModel,
        ("'yarn' multiplies queries and keys",),
    ),
    "YaRN of others": (
        "phi3",
        lambda file: file.with_fact("phi3.rope.scaling.type", TEXT, "yarn"),
        NotThisModel,
        ("'yarn' is not supported in GGUF for a phi3 model",),
    ),
    "long contexts": (
        "phi3",
        lambda file: file.with_tensor("rope_factors_long.weight", np.ones(4)),
        NotThisModel,
        ("rope_factors_long.weight", "no place in a phi3 model"),
    ),
    "OLMo 3": (
        "olmo2",
        lambda file: file.with_fact("olmo2.attention.sliding_window", U32, 8),
        NotThisModel,
        ("olmo2.attention.sliding_window = 8",),
    ),
    "slopes of another kind": (
        "mpt",
        lambda file: file.with_fact("mpt.attention.max_alibi_bias", F32, 4.0),
        NotThisModel,
        ("alibi_bias_max = 4.0",),
    ),
    "clipping": (
        "mpt",
        lambda file: file.with_fact("mpt.attention.clamp_kqv", F32, 4.0),
        NotThisModel,
        ("mpt.attention.clamp_kqv = 4",),
    ),
    "a norm of queries of StableLM": (
        "stablelm",
        lambda file: file.with_tensor("blk.0.attn_q_norm.weight", np.ones((4, 8))),
        NotThisModel,
        ("q_norm",),
    ),
    "a wider MLP of BLOOM": (
        "bloom",
        lambda file: file.with_fact("bloom.feed_forward_length", U32, 97),
        BadCheckpoint,
        ("feed_forward_length = 97", "96"),
    ),
    "another ε of OLMo 1": (
        "olmo",
        lambda file: file.with_fact("olmo.attention.layer_norm_epsilon", F32, 1e-6),
        BadCheckpoint,
        ("ε of OLMo 1",),
    ),
    "many keys of StarCoder 1": (
        "gpt_bigcode",
        lambda file: file.with_fact("starcoder.attention.head_count_kv", U32, 3),
        BadCheckpoint,
        ("one key head",),
    ),
}


@each("name", REFUSED)
def test_what_an_architecture_does_not_compute_is_refused(tmp_path: Path, name: str) -> None:
    case, change, kind, words = REFUSED[name]
    refusal(lambda: opened(tmp_path, change(converted(case))), kind, tmp_path, *words)
