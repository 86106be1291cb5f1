"""Gemma 1: RMSNorms with gains of 1 + w, a scaled embedding, rotary positions, a gated MLP."""

from functools import partial

from loadstore.checkpoints.checkpoint import Checkpoint
from loadstore.checkpoints.families.attention import gated, layer_of
from loadstore.checkpoints.families.decoder import architecture, decoder
from loadstore.checkpoints.families.gemma import added_norm, embedding_scale
from loadstore.checkpoints.families.huggingface import Facts, Reader
from loadstore.checkpoints.families.key_tables import GEMMA1
from loadstore.checkpoints.families.keys import settled
from loadstore.checkpoints.families.rope import WHOLE, rotary_of
from loadstore.model.architecture import Architecture
from loadstore.model.layers import Layer, Norm
from loadstore.model.mlp_facts import Mlp
from loadstore.model.weights import Weights

KEYS = {"gemma": GEMMA1}
TYPES = tuple(KEYS)


def build(checkpoint: Checkpoint, facts: Facts) -> Weights:
    """Name the tensors. Raises NotThisModel on unsupported facts, BadCheckpoint on damage."""
    facts = settled(facts, KEYS["gemma"])
    d, d_head = facts.whole("hidden_size"), facts.whole("head_dim")
    facts.share("hidden_size", "num_attention_heads")
    facts.layers(facts.whole("num_hidden_layers"))
    # the reference takes "gelu" for the approximation by tanh, as the first configs meant it
    activation = "gelu_tanh" if facts.config["hidden_act"] == "gelu" else facts.activation("hidden_act")
    shape = architecture(
        facts,
        d_head,
        gated=True,
        norm="rms",
        eps=facts.number("rms_norm_eps"),
        rotary=rotary_of(facts, d_head, WHOLE),
        mlp=Mlp(facts.whole("intermediate_size"), gated=True, activation=activation),
        embedding_scale=embedding_scale(d),
    )
    layer = partial(_layer, facts, shape)
    return decoder(checkpoint, facts, shape, layer, lambda read: added_norm(facts, read, "norm", d))


def _layer(facts: Facts, shape: Architecture, read: Reader, at: str) -> Layer:
    def norm(name: str) -> Norm:
        return added_norm(facts, read, f"{at}{name}", shape.d_model)

    biased, mlp = facts.flag("attention_bias"), gated(read, f"{at}mlp.", shape, norm("post_attention_layernorm"))
    return layer_of(read, f"{at}self_attn.", shape, norm("input_layernorm"), mlp, inputs=biased, output=biased)
