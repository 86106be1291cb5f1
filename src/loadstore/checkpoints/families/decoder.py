"""What most families since Llama share: the names of sizes in a config, and of the tensors around the layers."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from loadstore.checkpoints.checkpoint import Checkpoint
from loadstore.checkpoints.families.huggingface import Facts, Reader, some_bias, unembedding
from loadstore.model.architecture import Architecture
from loadstore.model.finite import damaged, is_finite
from loadstore.model.layers import Layer, Norm
from loadstore.model.mlp_facts import Mlp
from loadstore.model.weights import Weights

IGNORED = r".*\.rotary_emb\.inv_freq"


@dataclass(frozen=True)
class Around:
    """The names of the tensors around the layers: their prefix, the embedding, the layers, positions, unembedding."""

    prefix: str = "model."
    embedding: str = "embed_tokens.weight"
    layers: str = "layers"
    positions: str = ""
    unembedding: str = "lm_head.weight"


LLAMA = Around()
GPT = Around("transformer.", "wte.weight", "h", "wpe.weight")


def architecture(facts: Facts, d_head: int, *, gated: bool, act: str = "hidden_act", **more: Any) -> Architecture:
    """The architecture of a config that calls its sizes as Llama's does.

    Args:
        facts: The settled config.
        d_head: Width of a head.
        gated: Whether a gate multiplies inside the MLPs.
        act: The key of their activation.
        more: The other facts; ``mlp`` where the MLPs are stated otherwise.
    """
    n_heads = facts.whole("num_attention_heads")
    if "mlp" not in more:
        more["mlp"] = Mlp(facts.whole("intermediate_size"), gated=gated, activation=facts.activation(act))
    return Architecture(
        n_layers=facts.whole("num_hidden_layers"),
        n_heads=n_heads,
        n_kv_heads=facts.whole("num_key_value_heads", n_heads),
        d_model=facts.whole("hidden_size"),
        d_head=d_head,
        vocab=facts.whole("vocab_size"),
        context=facts.whole("max_position_embeddings"),
        positions="rotary",
        **more,
    )


def decoder(
    checkpoint: Checkpoint,
    facts: Facts,
    shape: Architecture,
    layer: Callable[[Reader, str], Layer],
    last: Callable[[Reader], Norm],
    *,
    biased: bool = False,
    around: Around = LLAMA,
    stored: Callable[[Reader, Tensor], Tensor] | None = None,
    ignored: str = IGNORED,
) -> Weights:
    """Name the tensors around the layers; nothing may be left over.

    Args:
        checkpoint: The file.
        facts: The settled config.
        shape: The architecture.
        layer: The layer whose tensors' names begin with a text such as ``layers.0.``.
        last: The norm before the unembedding.
        biased: Whether the unembedding has a bias.
        around: How the tensors around the layers are called.
        stored: What is stored for the rows of the embedding, where it is not the rows themselves.
        ignored: A pattern of tensors that carry nothing.
    """
    read = Reader(checkpoint, around.prefix)
    W_E = read(around.embedding, shape.vocab, shape.d_model)
    weights = Weights(
        architecture=shape,
        W_E=W_E if stored is None else stored(read, W_E),
        W_pos=read(around.positions, shape.context, shape.d_model) if shape.has_pos else None,
        layers=tuple(layer(read, f"{around.layers}.{index}.") for index in range(shape.n_layers)),
        W_U=unembedding(read, around.unembedding, W_E, tied=facts.flag("tie_word_embeddings")),
        b_U=some_bias(read("lm_head.bias", shape.vocab)) if biased else None,
        final_norm=last(read),
        name=checkpoint.name,
    )
    read.finish(ignored)
    return weights


def scaled(read: Reader, norm: Norm, scale: float) -> Norm:
    """The norm before the unembedding with a multiplier of logits in its gain, which is at least float32 then.

    Raises BadCheckpoint where the gain is not finite: what is computed here has no place in the file.
    """
    assert norm.gain is not None
    if scale == 1:
        return norm
    if not is_finite(norm.gain):
        raise damaged(read.checkpoint.path, f"{read.prefix}norm.weight")
    return replace(norm, gain=norm.gain.to(torch.promote_types(norm.gain.dtype, torch.float32)) * scale)
