"""Nemotron: LayerNorms with gains of 1 + w, half of a head turns, an MLP without a gate whose ReLU is squared."""

from functools import partial

from loadstore.checkpoints.checkpoint import Checkpoint
from loadstore.checkpoints.families.attention import layer_of, plain
from loadstore.checkpoints.families.decoder import architecture, decoder
from loadstore.checkpoints.families.gemma import added_norm
from loadstore.checkpoints.families.huggingface import Facts, Reader
from loadstore.checkpoints.families.keys import settled
from loadstore.checkpoints.families.kin_key_tables import NEMOTRON
from loadstore.checkpoints.families.rope import HALF, head_of, rotary_of
from loadstore.model.architecture import Architecture
from loadstore.model.layers import Layer, Norm
from loadstore.model.weights import Weights

KEYS = {"nemotron": NEMOTRON}
TYPES = tuple(KEYS)


def build(checkpoint: Checkpoint, facts: Facts) -> Weights:
    """Name the tensors. Raises NotThisModel on unsupported facts, BadCheckpoint on damage."""
    facts = settled(facts, KEYS["nemotron"])
    d = facts.whole("hidden_size")
    facts.whole("num_key_value_heads")  # which the reference does not take from the number of heads
    d_head = head_of(facts, d // facts.whole("num_attention_heads"))
    facts.layers(facts.whole("num_hidden_layers"))
    shape = architecture(
        facts,
        d_head,
        gated=False,
        norm="layer",
        eps=facts.number("norm_eps"),
        rotary=rotary_of(facts, d_head, HALF),
    )
    layer = partial(_layer, facts, shape)
    return decoder(checkpoint, facts, shape, layer, lambda read: _norm(facts, read, "norm", d))


def _norm(facts: Facts, read: Reader, name: str, width: int) -> Norm:
    return added_norm(facts, read, name, width, centres=True)


def _layer(facts: Facts, shape: Architecture, read: Reader, at: str) -> Layer:
    biased = facts.flag("attention_bias")
    norm = _norm(facts, read, f"{at}input_layernorm", shape.d_model)
    after = _norm(facts, read, f"{at}post_attention_layernorm", shape.d_model)
    mlp = plain(read, shape, (f"{at}mlp.up_proj", f"{at}mlp.down_proj"), after, biased=facts.flag("mlp_bias"))
    return layer_of(read, f"{at}self_attn.", shape, norm, mlp, inputs=biased, output=biased)
