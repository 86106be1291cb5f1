"""Gemma 1: RMSNorms with gains of 1 + w, a scaled embedding, rotary positions, a gated MLP."""

import torch

from loadstore.checkpoints.checkpoint import Checkpoint
from loadstore.checkpoints.families.attention import gated, layer_of
from loadstore.checkpoints.families.gemma import added_norm
from loadstore.checkpoints.families.huggingface import Facts, Reader, unembedding
from loadstore.checkpoints.families.key_tables import GEMMA1
from loadstore.checkpoints.families.keys import settled
from loadstore.checkpoints.families.rope import WHOLE, rotary_of
from loadstore.model.architecture import Architecture, Mlp
from loadstore.model.weights import Layer, Norm, Weights

KEYS = {"gemma": GEMMA1}
TYPES = tuple(KEYS)
IGNORED = r".*\.rotary_emb\.inv_freq"


def build(checkpoint: Checkpoint, facts: Facts) -> Weights:
    """Name the tensors. Raises NotThisModel on unsupported facts, BadCheckpoint on damage."""
    facts = settled(facts, KEYS["gemma"])
    n_layers, d, d_head = (facts.whole(name) for name in ("num_hidden_layers", "hidden_size", "head_dim"))
    facts.share("hidden_size", "num_attention_heads")
    facts.layers(n_layers)
    # the reference takes "gelu" for the approximation by tanh, as the first configs meant it
    activation = "gelu_tanh" if facts.config["hidden_act"] == "gelu" else facts.activation("hidden_act")
    shape = Architecture(
        n_layers=n_layers,
        n_heads=facts.whole("num_attention_heads"),
        n_kv_heads=facts.whole("num_key_value_heads"),
        d_model=d,
        d_head=d_head,
        vocab=facts.whole("vocab_size"),
        context=facts.whole("max_position_embeddings"),
        positions="rotary",
        norm="rms",
        eps=facts.number("rms_norm_eps"),
        rotary=rotary_of(facts, d_head, WHOLE),
        mlp=Mlp(facts.whole("intermediate_size"), gated=True, activation=activation),
        embedding_scale=torch.tensor(d**0.5, dtype=torch.float32).item(),
    )
    read = Reader(checkpoint, "model.")
    W_E = read("embed_tokens.weight", shape.vocab, d)
    biased = facts.flag("attention_bias")
    weights = Weights(
        architecture=shape,
        W_E=W_E,
        W_pos=None,
        layers=tuple(_layer(read, shape, f"layers.{index}.", biased=biased) for index in range(n_layers)),
        W_U=unembedding(read, "lm_head.weight", W_E, tied=facts.flag("tie_word_embeddings")),
        final_norm=added_norm(read, "norm", d, added=False),
        name=checkpoint.name,
    )
    read.finish(IGNORED)
    return weights


def _layer(read: Reader, shape: Architecture, at: str, *, biased: bool) -> Layer:
    d, width = shape.d_model, 0 if shape.mlp is None else shape.mlp.width

    def norm(name: str) -> Norm:
        return added_norm(read, f"{at}{name}", d, added=False)

    mlp = gated(read, f"{at}mlp.", d, width, norm("post_attention_layernorm"))
    return layer_of(read, f"{at}self_attn.", shape, norm("input_layernorm"), mlp, inputs=biased, output=biased)
