"""Arcee: Llama with an MLP without a gate, whose ReLU is squared."""

from functools import partial

from loadstore.checkpoints.checkpoint import Checkpoint
from loadstore.checkpoints.families.attention import layer_of, plain, two_norms
from loadstore.checkpoints.families.decoder import architecture, decoder
from loadstore.checkpoints.families.huggingface import Facts, Reader
from loadstore.checkpoints.families.keys import settled
from loadstore.checkpoints.families.kin_key_tables import ARCEE
from loadstore.checkpoints.families.rope import WHOLE, head_of, score_scale, turns_of
from loadstore.model.architecture import Architecture
from loadstore.model.layers import Layer
from loadstore.model.weights import Weights

KEYS = {"arcee": ARCEE}
TYPES = tuple(KEYS)


def build(checkpoint: Checkpoint, facts: Facts) -> Weights:
    """Name the tensors. Raises NotThisModel on unsupported facts, BadCheckpoint on damage."""
    facts = settled(facts, KEYS["arcee"])
    d, d_head = facts.whole("hidden_size"), head_of(facts, facts.share("hidden_size", "num_attention_heads"))
    facts.layers(facts.whole("num_hidden_layers"))
    rotary, strength = turns_of(facts, d_head, WHOLE)
    shape = architecture(
        facts,
        d_head,
        gated=False,
        norm="rms",
        eps=facts.number("rms_norm_eps"),
        rotary=rotary,
        score_scale=score_scale(d_head, strength),
    )
    layer = partial(_layer, facts, shape)
    return decoder(checkpoint, facts, shape, layer, lambda read: read.norm("norm", d, centres=False))


def _layer(facts: Facts, shape: Architecture, read: Reader, at: str) -> Layer:
    norm, after = two_norms(read, at, shape, centres=False)
    biased = facts.flag("attention_bias")
    mlp = plain(read, shape, (f"{at}mlp.up_proj", f"{at}mlp.down_proj"), after, biased=facts.flag("mlp_bias"))
    return layer_of(read, f"{at}self_attn.", shape, norm, mlp, inputs=biased, output=biased)
