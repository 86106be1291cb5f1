"""OLMoE: experts, and norms of queries and keys that take one scale from all heads."""

from functools import partial

from loadstore.checkpoints.checkpoint import Checkpoint
from loadstore.checkpoints.families.attention import across, layer_of, two_norms
from loadstore.checkpoints.families.decoder import architecture, decoder
from loadstore.checkpoints.families.expert_key_tables import OLMOE
from loadstore.checkpoints.families.experts import routed, with_experts
from loadstore.checkpoints.families.huggingface import Facts, Reader
from loadstore.checkpoints.families.keys import settled
from loadstore.checkpoints.families.rope import WHOLE, rotary_of
from loadstore.model.architecture import Architecture
from loadstore.model.layers import Layer
from loadstore.model.mixture import Mixture
from loadstore.model.weights import Weights

KEYS = {"olmoe": OLMOE}
TYPES = tuple(KEYS)


def build(checkpoint: Checkpoint, facts: Facts) -> Weights:
    """Name the tensors. Raises NotThisModel on unsupported facts, BadCheckpoint on damage."""
    facts = settled(facts, KEYS["olmoe"])
    d, d_head = facts.whole("hidden_size"), facts.share("hidden_size", "num_attention_heads")
    facts.agree("head_dim", d_head, "hidden_size / num_attention_heads")
    facts.layers(facts.whole("num_hidden_layers"))
    count, chosen = facts.whole("num_experts"), facts.whole("num_experts_per_tok")
    mixture = Mixture(count, chosen, facts.whole("intermediate_size"), facts.flag("norm_topk_prob"))
    shape = architecture(
        facts,
        d_head,
        gated=True,
        norm="rms",
        eps=facts.number("rms_norm_eps"),
        rotary=rotary_of(facts, d_head, WHOLE),
        mlp=with_experts(facts, mixture),
        experts=mixture,
    )
    layer = partial(_layer, shape, biased=facts.flag("attention_bias"))
    return decoder(checkpoint, facts, shape, layer, lambda read: read.norm("norm", d, centres=False))


def _layer(shape: Architecture, read: Reader, at: str, *, biased: bool) -> Layer:
    norm, after = two_norms(read, at, shape, centres=False)
    attention = f"{at}self_attn."
    return layer_of(
        *(read, attention, shape, norm, routed(read, at, shape, after)),
        inputs=biased,
        output=biased,
        q_norm=across(read, f"{attention}q_norm", shape, shape.n_heads),
        k_norm=across(read, f"{attention}k_norm", shape, shape.kv_heads),
    )
