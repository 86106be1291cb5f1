"""Granite: Llama with multipliers of the embedding, of scores, of what blocks store, and of logits.

That of the logits is in the gain of the last norm, so that W_U may still be the embedding transposed.
"""

from functools import partial

from loadstore.checkpoints.checkpoint import Checkpoint
from loadstore.checkpoints.families.attention import llama_layer
from loadstore.checkpoints.families.decoder import architecture, decoder, scaled
from loadstore.checkpoints.families.huggingface import Facts
from loadstore.checkpoints.families.keys import settled
from loadstore.checkpoints.families.kin_key_tables import GRANITE
from loadstore.checkpoints.families.rope import WHOLE, head_of, rotary_of
from loadstore.errors import BadCheckpoint
from loadstore.model.weights import Weights

KEYS = {"granite": GRANITE}
TYPES = tuple(KEYS)


def build(checkpoint: Checkpoint, facts: Facts) -> Weights:
    """Name the tensors. Raises NotThisModel on unsupported facts, BadCheckpoint on damage."""
    facts = settled(facts, KEYS["granite"])
    d = facts.whole("hidden_size")
    d_head = head_of(facts, d // facts.whole("num_attention_heads"))
    facts.layers(facts.whole("num_hidden_layers"))
    scaling = facts.number("logits_scaling")
    if not scaling > 0:
        raise BadCheckpoint(f"{checkpoint.path}: its config says logits_scaling = {scaling}, expected above 0")
    shape = architecture(
        facts,
        d_head,
        gated=True,
        norm="rms",
        eps=facts.number("rms_norm_eps"),
        rotary=rotary_of(facts, d_head, WHOLE),
        score_scale=facts.number("attention_multiplier"),
        embedding_scale=facts.number("embedding_multiplier"),
        residual_scale=facts.number("residual_multiplier"),
    )
    layer = partial(llama_layer, shape, biased=facts.flag("attention_bias"), inside=facts.flag("mlp_bias"))
    return decoder(
        checkpoint, facts, shape, layer, lambda read: scaled(read, read.norm("norm", d, centres=False), 1 / scaling)
    )
