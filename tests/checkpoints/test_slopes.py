"""Slopes of ALiBi and what Falcon refuses, by hand."""

from pathlib import Path
from typing import Any

import pytest
from config_verdicts import compared
from each import each

from loadstore.checkpoints.checkpoint import Checkpoint
from loadstore.checkpoints.families.alibi_key_tables import MPT as KEYS
from loadstore.checkpoints.families.huggingface import Facts
from loadstore.checkpoints.families.keys import settled
from loadstore.checkpoints.families.slopes import halved_slopes, slopes
from loadstore.errors import BadRequest


@each("of", [slopes, halved_slopes])
def test_slopes_are_powers_of_two_and_those_between(of: Any) -> None:
    assert of(1) == (2**-8,)
    assert of(8) == tuple(2.0**-k for k in range(1, 9))
    assert of(3) == (2**-4, 2**-8, 2**-2)
    assert of(12)[8:] == pytest.approx([2**-0.5, 2**-1.5, 2**-2.5, 2**-3.5], rel=1e-6)


FALCON = {"model_type": "falcon", "vocab_size": 20, "hidden_size": 16, "num_attention_heads": 4}
FALCON |= {"num_hidden_layers": 1, "max_position_embeddings": 32}
MPT = {"model_type": "mpt", "vocab_size": 20, "d_model": 12, "n_heads": 2, "n_layers": 1, "max_seq_len": 16}


@each(
    ("config", "more", "why"),
    [
        (FALCON, {"alibi": True}, "rounded to bfloat16"),
        (FALCON, {"hidden_dropout": None}, "hidden_dropout = None, expected a number"),
        (FALCON, {"head_dim": 4}, "says head_dim, which follows"),
        (FALCON, {"multi_query": False, "num_kv_heads": 2}, "num_kv_heads = 2 without groups"),
        (FALCON, {"num_ln_in_parallel_attn": 2}, "do not go together"),
        (FALCON, {"new_decoder_architecture": True, "parallel_attn": False}, "do not go together"),
        (FALCON, {"new_decoder_architecture": True, "num_ln_in_parallel_attn": 3}, "do not go together"),
        (MPT, {"attn_config": {"clip_qkv": 2.0}}, "clip_qkv = 2.0, which is not supported"),
        (MPT, {"attn_config": {"attn_type": "multiquery_attention"}}, "which is not supported"),
        (MPT, {"attn_config": {"rope": True}}, "a key that loadstore does not know"),
        (MPT, {"attn_config": 3}, "expected an object"),
        (MPT, {"logit_scale": 2.0}, "logit_scale = 2.0, which is not supported"),
        (MPT, {"expansion_ratio": 2}, "expansion_ratio = 2, which is not supported"),
    ],
)
def test_what_is_not_computed_is_refused_with_a_reason(config: dict[str, Any], more: dict[str, Any], why: str) -> None:
    found = compared(config | more, config)
    assert found.word in ("refused", "both")
    assert why in found.why


def test_a_key_inside_the_attention_of_mpt_that_is_read_cannot_be_ignored() -> None:
    config = MPT | {"attn_config": {"softmax_scale": 0.4, "clip_qkv": 2.0}}
    checkpoint = Checkpoint(Path("config.json"), {}, {}, config)
    with pytest.raises(BadRequest, match=r"'attn_config\.softmax_scale': this key .* decides what the model computes"):
        settled(Facts(checkpoint, config, ("attn_config.softmax_scale",)), KEYS)
    left = settled(Facts(checkpoint, config, ("attn_config.clip_qkv",)), KEYS)
    assert left.config["attn_config"] == {"softmax_scale": 0.4}
