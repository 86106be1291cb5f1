"""ERNIE 4.5: Llama whose rotary pairs are adjacent dimensions, with biases everywhere or nowhere."""

from functools import partial

from loadstore.checkpoints.checkpoint import Checkpoint
from loadstore.checkpoints.families.attention import llama_layer
from loadstore.checkpoints.families.decoder import architecture, decoder
from loadstore.checkpoints.families.huggingface import Facts
from loadstore.checkpoints.families.keys import settled
from loadstore.checkpoints.families.kin_key_tables import ERNIE
from loadstore.checkpoints.families.rope import head_of, score_scale, turns_of
from loadstore.checkpoints.families.scaling import Names
from loadstore.model.weights import Weights

KEYS = {"ernie4_5": ERNIE}
TYPES = tuple(KEYS)
NAMES = Names("rope_theta", "partial_rotary_factor", 1.0, partial=False, usual_base=500_000.0)


def build(checkpoint: Checkpoint, facts: Facts) -> Weights:
    """Name the tensors. Raises NotThisModel on unsupported facts, BadCheckpoint on damage."""
    facts = settled(facts, KEYS["ernie4_5"])
    d, biased = facts.whole("hidden_size"), bool(facts.config["use_bias"])
    d_head = head_of(facts, d // facts.whole("num_attention_heads"))
    facts.layers(facts.whole("num_hidden_layers"))
    rotary, strength = turns_of(facts, d_head, NAMES, "adjacent")
    shape = architecture(
        facts,
        d_head,
        gated=True,
        norm="rms",
        eps=facts.number("rms_norm_eps"),
        rotary=rotary,
        score_scale=score_scale(d_head, strength),
    )
    layer = partial(llama_layer, shape, biased=biased, inside=biased)
    return decoder(checkpoint, facts, shape, layer, lambda read: read.norm("norm", d, centres=False))
