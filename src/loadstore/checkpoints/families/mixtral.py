"""Mixtral: Mistral with experts, of which each token uses those with the highest scores, at the softmax of these."""

from functools import partial

from loadstore.checkpoints.checkpoint import Checkpoint
from loadstore.checkpoints.families.attention import layer_of, two_norms
from loadstore.checkpoints.families.decoder import architecture, decoder
from loadstore.checkpoints.families.expert_key_tables import MIXTRAL
from loadstore.checkpoints.families.experts import MIXTRAL as NAMED
from loadstore.checkpoints.families.experts import routed, with_experts
from loadstore.checkpoints.families.huggingface import Facts, Reader
from loadstore.checkpoints.families.keys import settled
from loadstore.checkpoints.families.rope import head_of, rotary_of
from loadstore.checkpoints.families.scaling import Names
from loadstore.model.architecture import Architecture
from loadstore.model.layers import Layer
from loadstore.model.mixture import Mixture
from loadstore.model.weights import Weights

KEYS = {"mixtral": MIXTRAL}
TYPES = tuple(KEYS)
NAMES = Names("rope_theta", "partial_rotary_factor", 1.0, partial=False, usual_base=1_000_000.0)


def build(checkpoint: Checkpoint, facts: Facts) -> Weights:
    """Name the tensors. Raises NotThisModel on unsupported facts, BadCheckpoint on damage."""
    facts = settled(facts, KEYS["mixtral"])
    d, n_layers = facts.whole("hidden_size"), facts.whole("num_hidden_layers")
    facts.layers(n_layers)
    d_head = head_of(facts, d // facts.whole("num_attention_heads"))
    count, chosen = facts.whole("num_local_experts"), facts.whole("num_experts_per_tok")
    mixture = Mixture(count, chosen, facts.whole("intermediate_size"), normalised=True)
    slides = facts.config["sliding_window"] is not None
    shape = architecture(
        facts,
        d_head,
        gated=True,
        norm="rms",
        eps=facts.number("rms_norm_eps"),
        rotary=rotary_of(facts, d_head, NAMES),
        windows=(facts.whole("sliding_window"),) * n_layers if slides else None,
        mlp=with_experts(facts, mixture),
        experts=mixture,
    )
    return decoder(checkpoint, facts, shape, partial(_layer, shape), lambda read: read.norm("norm", d, centres=False))


def _layer(shape: Architecture, read: Reader, at: str) -> Layer:
    norm, after = two_norms(read, at, shape, centres=False)
    mlp = routed(read, at, shape, after, NAMED)
    return layer_of(read, f"{at}self_attn.", shape, norm, mlp, inputs=False, output=False)
